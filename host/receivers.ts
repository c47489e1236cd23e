import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile } from '../files/durable.ts';
import { unlessAbsent } from '../files/system-error.ts';
import { endReceiver } from '../qemu/receiver/end-receiver.ts';
import { findReceivers } from '../qemu/receiver/find-receivers.ts';
import { startSubstitute } from '../qemu/receiver/start-substitute.ts';
import { reconnected } from './reconnected.ts';
import type { StatePaths } from './state-paths.ts';

/** What a receiver holds, as far as a substitute has to know it. */
export type ReceivedDisk = { readonly index: number; readonly virtualBytes: number };

/**
 * Ends every receiver of this VM, whoever started it, the one of the probe too; `graceMs` is the time each has to
 * flush and go by itself. May be called again. Throws `ReceiverError` when one cannot be ended, after the others are.
 */
export async function endReceivers(paths: StatePaths, vm: string, graceMs = 0): Promise<void> {
  const receivers = await findReceivers(paths.vm(vm).run);
  const ends = await Promise.allSettled(receivers.map(({ pid }) => endReceiver(pid, graceMs)));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** The disks whose receiver is not there. */
export async function deadReceivers<D extends ReceivedDisk>(
  paths: StatePaths,
  vm: string,
  disks: readonly D[],
): Promise<D[]> {
  const of = paths.vm(vm);
  const alive = (await findReceivers(of.run)).map(({ socket }) => socket);
  return disks.filter(({ index }) => !alive.includes(of.targetSocket(index)));
}

/**
 * Puts a sink in the place of each receiver that is not there, so that QEMU's requests to it end, and with them the
 * guest writes that wait for them. Resolves when QEMU has found it, or after 9 s when it does not look: a job that is
 * cancelled before fails the guest's writes. What was copied so far is lost: cancel the jobs. Tells which disks it was.
 */
export async function substituteDeadReceivers(
  paths: StatePaths,
  vm: string,
  disks: readonly ReceivedDisk[],
): Promise<ReceivedDisk[]> {
  const dead = await deadReceivers(paths, vm, disks);
  const socketOf = ({ index }: ReceivedDisk) => paths.vm(vm).targetSocket(index);
  await Promise.all(
    dead.map((disk) =>
      startSubstitute({ socket: socketOf(disk), virtualBytes: disk.virtualBytes }),
    ),
  );
  if (dead.length > 0) await reconnected(dead.map(socketOf));
  return dead;
}

/** Removes the sockets and logs of receivers that have ended. May be called again. */
export async function removeReceiverFiles(paths: StatePaths, vm: string): Promise<void> {
  const { run } = paths.vm(vm);
  for (const name of (await unlessAbsent(readdir(run))) ?? [])
    if (/^(\d\dt|p)\.sock(\.log)?$/.test(name)) await removeFile(join(run, name));
}
