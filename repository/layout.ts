import { lstat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { unlessAbsent } from '../files/system-error.ts';
import { BackupId, DeviceName, VmName } from '../model/names.ts';
import { RepositoryFormatError } from './errors.ts';

/*
 * <repository>/repository.json                    what makes the folder a repository
 * <repository>/<vm>/<backupId>/manifest.json      a published backup
 * <repository>/<vm>/<backupId>/<device>.qcow2     its backing file recorded: ../<parentId>/<device>.qcow2
 * <repository>/<vm>/<backupId>.partial/           being written; renaming it publishes it
 * <repository>/<vm>/<backupId>.deleted.partial/   being deleted
 * <repository>/<vm>/<backupId>.checkpoint.json    an export that was completed
 *
 * Every path in a repository is made here, of names that are checked once more: none of them can hold `/` or `..`.
 */

/** The file that makes a folder a repository. The folder is named absolutely. */
export function markPath(folder: string): string {
  if (!isAbsolute(folder)) throw new TypeError(`${folder}: a repository is named absolutely`);
  return join(folder, 'repository.json');
}

/** The folder of a VM's backups. */
export function vmPath(folder: string, vm: string): string {
  return join(folder, VmName.parse(vm));
}

/** The folder of a published backup. */
export function publishedPath(folder: string, vm: string, backupId: string): string {
  return join(vmPath(folder, vm), BackupId.parse(backupId));
}

/** The folder in which a backup is written. */
export function partialPath(folder: string, vm: string, backupId: string): string {
  return `${publishedPath(folder, vm, backupId)}.partial`;
}

/** The folder in which what is left of a deleted backup waits for its end. */
export function deletedPath(folder: string, vm: string, backupId: string): string {
  return `${publishedPath(folder, vm, backupId)}.deleted.partial`;
}

/** The file of a checkpoint, beside the folders of the backups. */
export function checkpointPath(folder: string, vm: string, backupId: string): string {
  return `${publishedPath(folder, vm, backupId)}.checkpoint.json`;
}

/** The checkpoint whose file has this name; undefined for other names. */
export function checkpointIdOf(name: string): string | undefined {
  return /^(.+)\.checkpoint\.json$/.exec(name)?.slice(1).find(isBackupId);
}

/** The backup whose unfinished or half-deleted folder has this name; undefined for other names. */
export function partialIdOf(name: string): string | undefined {
  return /^(.+?)(\.deleted)?\.partial$/.exec(name)?.slice(1, 2).find(isBackupId);
}

/** Whether a folder's name is that of a published backup. */
export function isBackupId(name: string | undefined): name is string {
  return BackupId.safeParse(name).success;
}

/** The file name of a disk, beside its manifest. */
export function diskFile(device: string): string {
  return `${DeviceName.parse(device)}.qcow2`;
}

/** The file that a disk's receiver writes. */
export function targetPath(folder: string, vm: string, backupId: string, device: string): string {
  return join(partialPath(folder, vm, backupId), diskFile(device));
}

/** The file of a disk in a published backup. */
export function diskPath(folder: string, vm: string, backupId: string, device: string): string {
  return join(publishedPath(folder, vm, backupId), diskFile(device));
}

/** The backing file as a disk's file records it; the same from the unfinished folder and from the published one. */
export function backingReference(parent: string, device: string): string {
  return `../${BackupId.parse(parent)}/${diskFile(device)}`;
}

/** The manifest in a backup's folder. */
export function manifestPath(backupFolder: string): string {
  return join(backupFolder, 'manifest.json');
}

/**
 * Whether a folder is there. What is there and is no folder is a `RepositoryFormatError`: a symbolic link would lead
 * out of the repository.
 */
export async function isFolderThere(path: string): Promise<boolean> {
  const found = await unlessAbsent(lstat(path));
  if (found && !found.isDirectory())
    throw new RepositoryFormatError(
      `${path}: must be a folder, and no link to one: look what it is, and move it away`,
      { file: path },
    );
  return found !== undefined;
}
