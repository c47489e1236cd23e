import { mkdir, readdir, rm } from 'node:fs/promises';
import { syncFolder } from '../files/durable.ts';
import { BackupPublishedError } from './errors.ts';
import { deletedPath, isFolderThere, partialIdOf, partialPath, vmPath } from './layout.ts';
import { readManifest } from './manifest-file.ts';
import { checkRepository } from './mark.ts';

/**
 * Makes the folder in which a backup is written, and gives its path. May run again: what is in it stays. A published
 * backup of the same id is a `BackupPublishedError`, since a workflow that was reset must not write it anew.
 */
export async function preparePartial(
  folder: string,
  vm: string,
  backupId: string,
): Promise<string> {
  await checkRepository(folder);
  const place = vmPath(folder, vm);
  await makeFolder(place);
  if (await readManifest(folder, vm, backupId))
    throw new BackupPublishedError(`${vm} ${backupId}: published already: start a new backup`, {
      vm,
      backupId,
    });
  const partial = partialPath(folder, vm, backupId);
  await makeFolder(partial);
  await syncFolder(folder);
  await syncFolder(place);
  return partial;
}

/** The backups of a VM that are being written or deleted, or were when their run died. */
export async function listPartials(folder: string, vm: string): Promise<string[]> {
  await checkRepository(folder);
  const place = vmPath(folder, vm);
  if (!(await isFolderThere(place))) return [];
  const ids = (await readdir(place)).flatMap((name) => partialIdOf(name) ?? []);
  return [...new Set(ids)].toSorted();
}

/** Removes what is left of an unfinished or half-deleted backup. May run again; nothing there is as good. */
export async function removePartial(folder: string, vm: string, backupId: string): Promise<void> {
  const place = vmPath(folder, vm);
  if (!(await isFolderThere(place))) return;
  await rm(partialPath(folder, vm, backupId), { recursive: true, force: true });
  await rm(deletedPath(folder, vm, backupId), { recursive: true, force: true });
  await syncFolder(place);
}

/** One by one, for Node's recursive way says of a read-only file system that a folder is missing. */
async function makeFolder(path: string): Promise<void> {
  if (!(await isFolderThere(path))) await mkdir(path, { mode: 0o700 });
}
