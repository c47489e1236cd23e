import type { Manifest } from '../../model/manifest.ts';
import { backupChain, type ChainLink } from '../../repository/chain.ts';
import { BackupNotFoundError } from '../../repository/errors.ts';
import type { CallOptions, Repository } from '../../repository/repository.ts';
import { DamagedBackupError, NoBackupError } from '../errors.ts';

/** A backup, and of each of its disks the files that hold it, from its own down to the full one. */
export type ChosenBackup = {
  readonly manifest: Manifest;
  readonly chains: ReadonlyMap<string, readonly ChainLink[]>;
};

/**
 * Finds a backup to restore: the one named, else the newest. `BackupNotFoundError` when there is none of that id,
 * `NoBackupError` when there is none at all, `DamagedBackupError` when it, or one that it builds on, is not whole.
 */
export async function chooseBackup(
  repository: Repository,
  vm: string,
  backupId: string | undefined,
  options: CallOptions,
): Promise<ChosenBackup> {
  const { backups, broken } = await repository.survey(vm, options);
  const manifest =
    backupId === undefined
      ? backups.at(-1)
      : backups.find((candidate) => candidate.backupId === backupId);
  const fault = broken.find((one) => one.backupId === backupId) ?? broken[0];
  if (!manifest) {
    if (fault && (backupId === undefined || fault.backupId === backupId))
      throw new DamagedBackupError(`${vm}: ${fault.problem}. Restore another backup of this VM.`);
    throw nothingThere(repository.folder, vm, backupId, backups);
  }
  return { manifest, chains: chainsOf(backups, manifest) };
}

function chainsOf(
  backups: readonly Manifest[],
  { backupId, disks }: Manifest,
): ReadonlyMap<string, readonly ChainLink[]> {
  try {
    return new Map(
      disks.map(({ device }) => [device, backupChain(backups, backupId, device)] as const),
    );
  } catch (error) {
    if (error instanceof BackupNotFoundError)
      throw new DamagedBackupError(error.message, { cause: error });
    throw error;
  }
}

function nothingThere(
  folder: string,
  vm: string,
  backupId: string | undefined,
  backups: readonly Manifest[],
): Error {
  if (backupId === undefined || backups.length === 0)
    return new NoBackupError(`${vm}: ${folder} holds no backup of this VM.`);
  const newest = backups.slice(-5).map((backup) => backup.backupId);
  return new BackupNotFoundError(
    `${vm}: there is no backup ${backupId}. The newest are ${newest.join(', ')}.`,
    { vm, backupId },
  );
}
