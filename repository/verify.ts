import type { Manifest, ManifestDisk } from '../model/manifest.ts';
import { backupChain } from './chain.ts';
import { digestFile, type OnBytes } from './digest.ts';
import { BackupNotFoundError, DigestError } from './errors.ts';
import { diskPath } from './layout.ts';
import { readManifest, wrongLength } from './manifest-file.ts';
import { checkRepository } from './mark.ts';

/**
 * Reads every file that a backup consists of, its parents' too, and compares it with its manifest. The first that is
 * not as published is a `DigestError` that names it. Changes nothing.
 */
export async function verifyDigests(
  folder: string,
  vm: string,
  backupId: string,
  onBytes: OnBytes = () => {},
): Promise<void> {
  await checkRepository(folder);
  const manifests = await ancestry(folder, vm, backupId);
  const [wanted] = manifests;
  if (!wanted) throw new BackupNotFoundError(`${vm} ${backupId}: no such backup`, { vm, backupId });
  for (const { device } of wanted.disks)
    for (const { backupId: at, disk } of backupChain(manifests, backupId, device))
      await checkFile(diskPath(folder, vm, at, device), disk, onBytes);
}

/** The manifests of a backup and of all that it builds on, as far as they are there. */
async function ancestry(folder: string, vm: string, backupId: string): Promise<Manifest[]> {
  const found = new Map<string, Manifest | undefined>();
  const wanted = [backupId];
  for (const id of wanted) {
    if (found.has(id)) continue;
    const manifest = await readManifest(folder, vm, id);
    found.set(id, manifest);
    wanted.push(...(manifest?.disks ?? []).flatMap(({ parent }) => parent ?? []));
  }
  return [...found.values()].filter((manifest) => manifest !== undefined);
}

async function checkFile(path: string, disk: ManifestDisk, onBytes: OnBytes): Promise<void> {
  // A missing or shortened file is known without reading it.
  const problem =
    (await wrongLength(path, disk.bytes)) ?? (await wrongContent(path, disk.sha256, onBytes));
  if (problem === undefined) return;
  throw new DigestError(
    `${problem}: backups that build on it cannot be restored: restore one that does not, and take a full backup next`,
    { file: path },
  );
}

async function wrongContent(
  path: string,
  sha256: string,
  onBytes: OnBytes,
): Promise<string | undefined> {
  const digest = await digestFile(path, { durable: false }, onBytes);
  return digest.sha256 === sha256 ? undefined : `${path}: its content is not what was published`;
}
