import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile } from '../files/durable.ts';
import { unlessAbsent } from '../files/system-error.ts';
import { endReceiver } from '../qemu/receiver/end-receiver.ts';
import { findReceivers } from '../qemu/receiver/find-receivers.ts';
import { startSubstitute } from '../qemu/receiver/start-substitute.ts';
import { reconnected } from './reconnected.ts';
import type { StatePaths } from './state-paths.ts';

/** Larger than any disk: a sink takes every write. */
const anySize = 2 ** 50;

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
  const of = paths.vm(vm);
  await startSinks(
    paths,
    vm,
    dead.map(({ index, virtualBytes }) => ({ socket: of.targetSocket(index), virtualBytes })),
  );
  return dead;
}

/** Ends every receiver of this VM and puts a sink in its place, for a guest whose writes may wait for it. */
export async function replaceReceivers(paths: StatePaths, vm: string): Promise<void> {
  const sockets = (await findReceivers(paths.vm(vm).run)).map(({ socket }) => socket);
  await endReceivers(paths, vm);
  await startSinks(
    paths,
    vm,
    sockets.map((socket) => ({ socket, virtualBytes: anySize })),
  );
}

/** Whether a sink has taken writes of this copy: it must not be published, although its jobs went well. */
export async function hasSinks(paths: StatePaths, vm: string): Promise<boolean> {
  return (await unlessAbsent(stat(paths.vm(vm).sinkMark))) !== undefined;
}

async function startSinks(
  paths: StatePaths,
  vm: string,
  sinks: readonly { socket: string; virtualBytes: number }[],
): Promise<void> {
  if (sinks.length === 0) return;
  // First the mark: a job cannot tell a sink from a target. A full state folder is no reason to let the guest wait.
  await writeFile(paths.vm(vm).sinkMark, '').catch(() => undefined);
  await Promise.all(sinks.map((sink) => startSubstitute(sink)));
  await reconnected(sinks.map(({ socket }) => socket));
}

/** Removes the sockets and logs of receivers and of an NBD server that have ended, and what tells of sinks. May be called again. */
export async function removeReceiverFiles(paths: StatePaths, vm: string): Promise<void> {
  const { run } = paths.vm(vm);
  for (const name of (await unlessAbsent(readdir(run))) ?? [])
    if (/^((\d\dt|p)\.sock(\.log)?|nbd\.sock|sink)$/.test(name)) await removeFile(join(run, name));
}
