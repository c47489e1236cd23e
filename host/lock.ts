import { dirname } from 'node:path';
import { z } from 'zod';
import { readJsonFile, removeFile, syncFolder, writeDurably } from '../files/durable.ts';
import { BackupId } from '../model/names.ts';
import { LockLostError, StateError, VmBusyError } from './errors.ts';
import { makeVmFolders, type StatePaths } from './state-paths.ts';

/** Who holds a VM: a workflow, not a process, so that it outlives the worker. */
export const Lock = z.object({
  backupId: BackupId,
  workflowId: z.string().min(1),
  /** The original run id, which a reset keeps. */
  runId: z.string().min(1),
  acquiredAt: z.iso.datetime(),
});
export type Lock = z.infer<typeof Lock>;

/**
 * Takes the VM's lock for a backup. Idempotent for the same backup; another holder is a `VmBusyError`. Call it under the
 * VM's mutex.
 */
export async function acquireLock(
  paths: StatePaths,
  vm: string,
  holder: Omit<Lock, 'acquiredAt'>,
): Promise<Lock> {
  const { lock: path } = await makeVmFolders(paths, vm);
  const { backupId, workflowId, runId } = holder;
  const held = await readLock(paths, vm);
  if (held?.backupId === backupId && held.runId === runId) return held;
  if (held) throw new VmBusyError(vm, held);
  const mine: Lock = { backupId, workflowId, runId, acquiredAt: new Date().toISOString() };
  await writeDurably(path, JSON.stringify(mine));
  return mine;
}

/** The VM's lock, or undefined when nobody holds it. A file that is no lock is a `StateError`. */
export async function readLock(paths: StatePaths, vm: string): Promise<Lock | undefined> {
  const path = paths.vm(vm).lock;
  const content = await readJsonFile(path);
  if (content === undefined) return undefined;
  const lock = Lock.safeParse(content);
  if (lock.success) return lock.data;
  throw new StateError(
    `${path}: not a lock; remove it when no backup of ${vm} runs (${z.prettifyError(lock.error)})`,
  );
}

/** Throws `LockLostError` unless this backup holds the VM: a late or reset attempt then touches nothing. */
export async function requireLock(paths: StatePaths, vm: string, backupId: string): Promise<Lock> {
  const lock = await readLock(paths, vm);
  if (lock?.backupId === backupId) return lock;
  const now = lock ? `backup ${lock.backupId} holds it` : 'nobody holds it';
  throw new LockLostError(`${vm}: backup ${backupId} does not hold the VM any more: ${now}`);
}

/** Gives the VM up, and what was wished for its copy with it. Removes only this backup's own lock, and may be called again. Call it under the VM's mutex. */
export async function releaseLock(paths: StatePaths, vm: string, backupId: string): Promise<void> {
  const { lock: path, speed } = paths.vm(vm);
  const lock = await readLock(paths, vm);
  if (lock?.backupId !== backupId) return;
  await removeFile(speed);
  await removeFile(path);
  await syncFolder(dirname(path));
}
