import { readdir } from 'node:fs/promises';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { Manifest } from '../model/manifest.ts';
import { VmName } from '../model/names.ts';
import { unlessAbsent } from '../files/system-error.ts';
import { checkpointIds, readCheckpoint } from './checkpoint.ts';
import { RepositoryFormatError } from './errors.ts';
import { diskPath, isBackupId, isFolderThere, vmPath } from './layout.ts';
import { readManifest, wrongLength } from './manifest-file.ts';
import { checkRepository } from './mark.ts';

/** Something that looks like a backup and is none. */
export type Broken = {
  readonly vm: string;
  /** Absent when the whole folder of the VM is at fault. */
  readonly backupId?: string;
  readonly file: string;
  readonly problem: string;
};

/** What a repository holds. */
export type Survey = {
  /** Whole as far as names and sizes tell, oldest first. */
  readonly backups: readonly Manifest[];
  /** Exports that were completed, oldest first. They hold no data. */
  readonly checkpoints: readonly Checkpoint[];
  readonly broken: readonly Broken[];
};

/**
 * What the repository holds, of one VM or of all. A broken backup is told, and is none. Whatever has no manifest, or
 * is still being written or deleted, is not looked at. A folder that is no repository is an error, not an empty one.
 */
export async function surveyBackups(folder: string, vm?: string): Promise<Survey> {
  await checkRepository(folder);
  const backups: Manifest[] = [];
  const checkpoints: Checkpoint[] = [];
  const broken: Broken[] = [];
  for (const name of vm === undefined ? await vmsOf(folder) : [vm]) {
    const ids = await tolerant(broken, { vm: name }, backupIdsOf(folder, name));
    // What keeps the backups from being listed is told once.
    for (const backupId of ids ? await checkpointIds(folder, name) : []) {
      const about = { vm: name, backupId };
      const checkpoint = await tolerant(broken, about, readCheckpoint(folder, name, backupId));
      if (checkpoint) checkpoints.push(checkpoint);
    }
    for (const backupId of ids ?? []) {
      const about = { vm: name, backupId };
      const manifest = await tolerant(broken, about, readManifest(folder, name, backupId));
      const faults = manifest ? await faultsOf(folder, manifest) : [];
      broken.push(...faults);
      if (manifest && faults.length === 0) backups.push(manifest);
    }
  }
  return { backups: backups.toSorted(byAge), checkpoints: checkpoints.toSorted(byAge), broken };
}

/** The published backups of one VM or of all, oldest first. Any broken one is a `RepositoryFormatError`. */
export async function listBackups(folder: string, vm?: string): Promise<readonly Manifest[]> {
  const { backups, broken } = await surveyBackups(folder, vm);
  const [first] = broken;
  if (first) throw new RepositoryFormatError(first.problem, { file: first.file });
  return backups;
}

async function faultsOf(folder: string, manifest: Manifest): Promise<Broken[]> {
  const { vm, backupId, disks } = manifest;
  const faults: Broken[] = [];
  for (const { device, bytes } of disks) {
    const file = diskPath(folder, vm, backupId, device);
    const problem = await wrongLength(file, bytes);
    if (problem !== undefined) faults.push({ vm, backupId, file, problem });
  }
  return faults;
}

type Aged = Pick<Manifest, 'vm' | 'backupId'>;

function byAge(a: Aged, b: Aged): number {
  const [left, right] = [`${a.backupId} ${a.vm}`, `${b.backupId} ${b.vm}`];
  return left < right ? -1 : Number(left > right);
}

async function vmsOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => !entry.isFile() && VmName.safeParse(entry.name).success)
    .map(({ name }) => name)
    .toSorted();
}

async function backupIdsOf(folder: string, vm: string): Promise<string[]> {
  const place = vmPath(folder, vm);
  if (!(await isFolderThere(place))) return [];
  return ((await unlessAbsent(readdir(place))) ?? []).filter(isBackupId).toSorted();
}

/** Notes what is wrong with the repository's content and goes on. What the system refuses is still an error. */
async function tolerant<T>(
  broken: Broken[],
  about: { vm: string; backupId?: string },
  reading: Promise<T>,
): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof RepositoryFormatError)) throw error;
    broken.push({ ...about, file: error.facts.file, problem: error.message });
    return undefined;
  }
}
