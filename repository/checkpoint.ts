import { mkdir, readdir } from 'node:fs/promises';
import { removeFile, syncFolder, writeDurably } from '../files/durable.ts';
import { unlessAbsent } from '../files/system-error.ts';
import { Checkpoint } from '../model/checkpoint.ts';
import type { InstantRecord } from '../model/instant.ts';
import { segmentName } from '../model/names.ts';
import type { BackupPlan } from '../model/plan.ts';
import { BackupNotFoundError, BackupPublishedError } from './errors.ts';
import { broken, readFormat } from './format.ts';
import { checkpointIdOf, checkpointPath, isFolderThere, vmPath } from './layout.ts';
import { checkRepository } from './mark.ts';
import type { Origin } from './publish.ts';

/**
 * Records that the consumer of an export has everything: one small file, whole or not there. May run again. Of a VM's
 * checkpoints the newest `keep` stay: older ones have no segments any more.
 */
export async function recordCheckpoint(
  folder: string,
  plan: BackupPlan,
  instant: InstantRecord,
  origin: Origin,
  keep: number,
): Promise<Checkpoint> {
  await checkRepository(folder);
  const { vm, backupId } = plan;
  const place = vmPath(folder, vm);
  if (!(await isFolderThere(place))) await mkdir(place, { mode: 0o700 });
  await syncFolder(folder);
  const there = await readCheckpoint(folder, vm, backupId);
  // A workflow that was reset has the id of its former self, but another instant.
  if (there && there.takenAt !== instant.takenAt)
    throw new BackupPublishedError(
      `${vm} ${backupId}: recorded already, with the instant ${there.takenAt}: start a new export`,
      { vm, backupId },
    );
  const checkpoint = there ?? checkpointOf(plan, instant, origin);
  const text = `${JSON.stringify(checkpoint, undefined, 2)}\n`;
  await writeDurably(checkpointPath(folder, vm, backupId), text);
  for (const old of (await checkpointIds(folder, vm)).slice(0, -keep))
    await removeFile(checkpointPath(folder, vm, old));
  return checkpoint;
}

/** Forgets a checkpoint: nothing is incremental to it any more, and its segments go when they can. */
export async function forgetCheckpoint(
  folder: string,
  vm: string,
  backupId: string,
): Promise<void> {
  await checkRepository(folder);
  if (!(await checkpointIds(folder, vm)).includes(backupId))
    throw new BackupNotFoundError(`${vm} ${backupId}: no such checkpoint`, { vm, backupId });
  await removeFile(checkpointPath(folder, vm, backupId));
  await syncFolder(vmPath(folder, vm));
}

/** The ids of a VM's checkpoints, oldest first. */
export async function checkpointIds(folder: string, vm: string): Promise<string[]> {
  const place = vmPath(folder, vm);
  if (!(await isFolderThere(place))) return [];
  const names = (await unlessAbsent(readdir(place))) ?? [];
  return names.flatMap((name) => checkpointIdOf(name) ?? []).toSorted();
}

/** A checkpoint; undefined when there is none. One that is broken, or another's, is a `RepositoryFormatError`. */
export async function readCheckpoint(
  folder: string,
  vm: string,
  backupId: string,
): Promise<Checkpoint | undefined> {
  const path = checkpointPath(folder, vm, backupId);
  const checkpoint = await readFormat(path, Checkpoint);
  if (checkpoint && (checkpoint.vm !== vm || checkpoint.backupId !== backupId))
    throw broken(path, `it is the checkpoint of ${checkpoint.vm} ${checkpoint.backupId}`);
  return checkpoint;
}

function checkpointOf(plan: BackupPlan, instant: InstantRecord, origin: Origin): Checkpoint {
  const { vm, backupId, qemuVersion, kind, parent } = plan;
  return Checkpoint.parse({
    formatVersion: 1,
    vm,
    backupId,
    ...origin,
    qemuVersion,
    kind,
    parent,
    ...instant,
    completedAt: new Date().toISOString(),
    disks: plan.disks.map(({ device, node, virtualBytes, kind, reason, parent, previous }) => ({
      device,
      node,
      virtualBytes,
      kind,
      reason,
      parent,
      bitmap: segmentName(device, backupId, previous),
    })),
  });
}
