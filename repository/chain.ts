import type { PublishedBackup } from '../model/decide.ts';
import type { Manifest, ManifestDisk } from '../model/manifest.ts';
import { BackupNotFoundError } from './errors.ts';

/** One file of a disk's chain. */
export type ChainLink = { readonly backupId: string; readonly disk: ManifestDisk };

/**
 * The files that hold a disk as it was at a backup, from that backup's down to its full one. A backup or disk that is
 * not among the manifests is a `BackupNotFoundError` that names it. The manifests are of one VM.
 */
export function backupChain(
  manifests: readonly Manifest[],
  backupId: string,
  device: string,
): ChainLink[] {
  const { chain, missing } = follow(byId(manifests), backupId, device);
  if (missing === null) return chain;
  const vm = manifests[0]?.vm ?? '';
  throw new BackupNotFoundError(
    chain.length === 0
      ? `${vm} ${backupId}: no such backup with a disk ${device}`
      : `${vm} ${backupId}: ${device} builds on backup ${missing}, which does not hold it: restore an older backup, and take a full one`,
    { vm, backupId: missing },
  );
}

/**
 * The published backups of one VM as planning may see them: a disk whose chain does not reach its full backup is left
 * out, so that nothing is ever built on it.
 */
export function soundBackups(manifests: readonly Manifest[]): PublishedBackup[] {
  const known = byId(manifests);
  return manifests.map(({ backupId, disks }) => ({
    backupId,
    disks: disks.filter(({ device }) => follow(known, backupId, device).missing === null),
  }));
}

function byId(manifests: readonly Manifest[]): ReadonlyMap<string, Manifest> {
  return new Map(manifests.map((manifest) => [manifest.backupId, manifest]));
}

/** Goes down a chain as far as it leads. `missing` is the backup at which it breaks off, or goes round in a circle. */
function follow(
  known: ReadonlyMap<string, Manifest>,
  backupId: string,
  device: string,
): { chain: ChainLink[]; missing: string | null } {
  const chain: ChainLink[] = [];
  for (let at: string | null = backupId; at !== null;) {
    const disk: ManifestDisk | undefined = known
      .get(at)
      ?.disks.find((one) => one.device === device);
    if (!disk || chain.some((link) => link.disk === disk)) return { chain, missing: at };
    chain.push({ backupId: at, disk });
    at = disk.parent;
  }
  return { chain, missing: null };
}
