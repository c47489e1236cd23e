import { readLock, releaseLock } from '../host/lock.ts';
import { readSnapshotJournal } from '../host/snapshot-journal.ts';
import type { SnapshotOutcome } from '../model/snapshot.ts';
import type { HostDependencies } from './dependencies.ts';
import { releaseVm } from './release-vm.ts';
import type { RollbackInput } from './rollback-backup.ts';
import { atVm, servedVm } from './vm-site.ts';

/**
 * Ends a snapshot wherever it stands, and tells whether it was taken: QEMU's graph says so, whatever became of the step
 * that took it. What was not taken is undone. Releases the lock; touches nothing when another backup holds the VM. May be
 * called again, and says the same.
 */
export async function settleSnapshot(
  dependencies: HostDependencies,
  { vm, backupId, runId }: RollbackInput,
  signal: AbortSignal,
): Promise<SnapshotOutcome> {
  servedVm(dependencies, vm);
  const { paths } = dependencies;
  const holds = async () => (await readLock(paths, vm))?.runId === runId;
  let troubles: string[] = [];
  // Asked before the mutex, which the backup that holds the VM may hold for as long as it copies.
  if (await holds())
    await atVm(dependencies, vm, signal, async (site) => {
      if (!(await holds())) return;
      ({ troubles } = await releaseVm(site));
      await releaseLock(paths, vm, backupId);
    });
  const journal = await readSnapshotJournal(paths, vm);
  const taken = journal?.backupId === backupId && journal.state === 'taken';
  const disks = taken ? journal.disks : [];
  return {
    taken,
    disks: disks.map(({ device, base, overlay }) => ({ device, base, overlay })),
    troubles,
  };
}
