import { rename, rm } from 'node:fs/promises';
import { syncFolder } from '../files/durable.ts';
import { BackupNeededError, RepositoryFormatError } from './errors.ts';
import { deletedPath, isFolderThere, publishedPath, vmPath } from './layout.ts';
import { surveyBackups } from './list.ts';
import { removePartial } from './partial.ts';

/**
 * Deletes a published backup. May run again: none there is as good. One that others build on is a
 * `BackupNeededError`, and while another backup of the VM is broken nothing is deleted, because nobody can tell what that
 * one builds on. Call it under the VM's lock: a backup that runs may be about to build on this one.
 */
export async function deleteBackup(folder: string, vm: string, backupId: string): Promise<void> {
  const { backups, broken } = await surveyBackups(folder, vm);
  const other = broken.find((one) => one.backupId !== backupId);
  if (other) throw new RepositoryFormatError(other.problem, { file: other.file });
  const neededBy = backups
    .filter(({ disks }) => disks.some(({ parent }) => parent === backupId))
    .map((backup) => backup.backupId);
  if (neededBy.length > 0)
    throw new BackupNeededError(
      `${vm} ${backupId}: stays, because ${neededBy.join(', ')} build on it: delete those first`,
      { vm, backupId, neededBy },
    );
  // Under a name that is no backup's it cannot be listed half deleted.
  const place = publishedPath(folder, vm, backupId);
  if (await isFolderThere(place)) {
    const deleted = deletedPath(folder, vm, backupId);
    await rm(deleted, { recursive: true, force: true });
    await rename(place, deleted);
    await syncFolder(vmPath(folder, vm));
  }
  await removePartial(folder, vm, backupId);
}
