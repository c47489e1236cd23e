import type { MachineDisk } from '../../../lab/machine-disk.ts';
import type { Machine } from '../../../lab/machine.ts';

const KiB = 1024;
const pauseMs = 20;

/**
 * Writes small pieces to every disk, as its guest would, for as long as `work` takes, once at least, and prints how long
 * they took. A write that fails is thrown.
 */
export async function whileGuestWrites<T>(
  machine: Machine,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  // The first of a booted guest reads its tools as well, which takes a second on a busy machine.
  for (const disk of machine.disks) await write(machine, disk, 0);
  const ended = new AbortController();
  const working = work().finally(() => ended.abort());
  // A write that fails ends this first.
  working.catch(() => undefined);
  const tookMs: number[] = [];
  for (let turn = 0; !ended.signal.aborted || tookMs.length === 0; turn++) {
    for (const disk of machine.disks) {
      const begun = performance.now();
      await write(machine, disk, turn);
      tookMs.push(performance.now() - begun);
    }
    await new Promise((resolve) => void setTimeout(resolve, pauseMs));
  }
  console.log(`guest writes, ${what}: ${inWords(tookMs)}`);
  return working;
}

/** A booted guest writes and flushes a file; on a bare machine its device does, over the monitor. */
async function write(machine: Machine, disk: MachineDisk, turn: number): Promise<void> {
  if (machine.agentSocket === undefined) {
    const offset = (turn % 64) * 64 * KiB;
    return machine.device(disk).write(turn % 256, { offset, bytes: 64 * KiB });
  }
  const file = `/mnt/sp-${disk.name}/beside`;
  await machine.guest.run(`dd if=/dev/urandom of=${file} bs=64k count=1 conv=fsync 2>/dev/null`);
}

function inWords(tookMs: readonly number[]): string {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)]?.toFixed(1);
  return `${sorted.length}, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`;
}
