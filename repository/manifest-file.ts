import { lstat } from 'node:fs/promises';
import { unlessAbsent } from '../files/system-error.ts';
import { Manifest } from '../model/manifest.ts';
import { broken, readFormat } from './format.ts';
import { diskFile, isFolderThere, manifestPath, publishedPath } from './layout.ts';

/**
 * The manifest of a published backup; undefined when none is published under that id. One that is broken, or that
 * speaks of another backup or of files elsewhere, is a `RepositoryFormatError`.
 */
export async function readManifest(
  folder: string,
  vm: string,
  backupId: string,
): Promise<Manifest | undefined> {
  const place = publishedPath(folder, vm, backupId);
  if (!(await isFolderThere(place))) return undefined;
  const path = manifestPath(place);
  const manifest = await readFormat(path, Manifest);
  if (!manifest) return undefined;
  if (manifest.vm !== vm || manifest.backupId !== backupId)
    throw broken(path, `it is the manifest of ${manifest.vm} ${manifest.backupId}`);
  const stray = manifest.disks.find(({ device, file }) => file !== diskFile(device));
  if (stray) throw broken(path, `${stray.device} names a file that is not its own`);
  if (new Set(manifest.disks.map(({ device }) => device)).size < manifest.disks.length)
    throw broken(path, 'it names a disk twice');
  return manifest;
}

/** What is wrong with a file at a glance: missing, no regular file, or not as long as it was published. */
export async function wrongLength(path: string, bytes: number): Promise<string | undefined> {
  const found = await unlessAbsent(lstat(path));
  if (!found) return `${path}: missing`;
  if (!found.isFile()) return `${path}: no regular file`;
  return found.size === bytes
    ? undefined
    : `${path}: ${found.size} bytes long, published with ${bytes}`;
}
