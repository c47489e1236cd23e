import type { Machine } from '../../../lab/machine.ts';

const KiB = 1024;

/**
 * Changes pieces of every disk, as its guest would, for as long as `work` takes: data, zeroes and discards, in the first
 * 40 MiB. A write that fails is thrown.
 */
export async function whileGuestChanges<T>(machine: Machine, work: () => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const working = work().finally(() => ended.abort());
  working.catch(() => undefined);
  for (let turn = 0; !ended.signal.aborted; turn++)
    for (const disk of machine.disks) {
      // A step that is prime to the number of pieces comes by everywhere.
      const piece = { offset: ((turn * 37) % 640) * 64 * KiB, bytes: 64 * KiB };
      const device = machine.device(disk);
      if (turn % 3 === 0) await device.write(1 + (turn % 250), piece);
      else if (turn % 3 === 1) await device.zero(piece);
      else await device.discard(piece);
    }
  return working;
}
