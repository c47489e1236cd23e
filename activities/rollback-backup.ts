import { z } from 'zod';
import { readLock, releaseLock } from '../host/lock.ts';
import { BackupId, VmName } from '../model/names.ts';
import type { HostDependencies } from './dependencies.ts';
import { releaseVm } from './release-vm.ts';
import { atVm, servedVm } from './vm-site.ts';

/** The input of `rollbackBackup`. */
export const RollbackInput = z.strictObject({
  vm: VmName,
  backupId: BackupId,
  runId: z.uuid().describe('The original run id of the workflow, which the lock names.'),
});
export type RollbackInput = z.output<typeof RollbackInput>;

/**
 * Undoes a backup wherever it stands: frees the VM, merges the new segments back, removes what is partial, releases the
 * lock. Succeeds when there is nothing to undo, and touches nothing when another backup holds the VM. May be called again.
 */
export async function rollbackBackup(
  dependencies: HostDependencies,
  { vm, backupId, runId }: RollbackInput,
  signal: AbortSignal,
): Promise<{ troubles: string[] }> {
  servedVm(dependencies, vm);
  // Asked before the mutex, which the backup that holds the VM may hold for as long as it copies.
  const held = await readLock(dependencies.paths, vm);
  if (held && held.runId !== runId) return { troubles: [] };
  return atVm(dependencies, vm, signal, async (site) => {
    if ((await readLock(site.paths, vm))?.runId !== runId) return { troubles: [] };
    const { troubles } = await releaseVm(site);
    await releaseLock(site.paths, vm, backupId);
    return { troubles };
  });
}
