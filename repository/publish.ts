import { rename } from 'node:fs/promises';
import { syncFolder, writeDurably } from '../files/durable.ts';
import type { InstantRecord } from '../model/instant.ts';
import { Manifest } from '../model/manifest.ts';
import { segmentName } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import { type Digest, digestFile, type OnBytes } from './digest.ts';
import { BackupNotFoundError, BackupPublishedError, RepositoryFormatError } from './errors.ts';
import {
  diskFile,
  isFolderThere,
  manifestPath,
  partialPath,
  publishedPath,
  targetPath,
  vmPath,
} from './layout.ts';
import { readManifest } from './manifest-file.ts';

/** Who made a backup. */
export type Origin = { readonly host: string; readonly workflowId: string; readonly runId: string };

/**
 * Makes a written backup a published one: all files on the disk, their digests, the manifest, and last the rename. May
 * run again at any point: before the rename it does all anew, after it it returns what is published. A backup that
 * builds on one which is gone is not published (`BackupNotFoundError`).
 */
export async function publish(
  folder: string,
  plan: BackupPlan,
  instant: InstantRecord,
  origin: Origin,
  onBytes: OnBytes = () => {},
): Promise<Manifest> {
  const manifest =
    (await published(folder, plan, instant)) ??
    (await publishAnew(folder, plan, instant, origin, onBytes));
  // Also when it was found: who renamed it may have died before this.
  await syncFolder(vmPath(folder, plan.vm));
  return manifest;
}

async function published(
  folder: string,
  { vm, backupId }: BackupPlan,
  instant: InstantRecord,
): Promise<Manifest | undefined> {
  const manifest = await readManifest(folder, vm, backupId);
  // A workflow that was reset has the id of its former self, but another instant.
  if (manifest && manifest.takenAt !== instant.takenAt)
    throw new BackupPublishedError(
      `${vm} ${backupId}: published already, with the instant ${manifest.takenAt}: start a new backup`,
      { vm, backupId },
    );
  return manifest;
}

async function publishAnew(
  folder: string,
  plan: BackupPlan,
  instant: InstantRecord,
  origin: Origin,
  onBytes: OnBytes,
): Promise<Manifest> {
  const { vm, backupId } = plan;
  const partial = partialPath(folder, vm, backupId);
  if (!(await isFolderThere(partial)))
    throw new BackupNotFoundError(`${partial}: missing, so there is nothing to publish`, {
      vm,
      backupId,
    });
  for (const disk of plan.disks) await checkParent(folder, vm, disk);
  const digests: Digest[] = [];
  for (const { device } of plan.disks) {
    const target = targetPath(folder, vm, backupId, device);
    digests.push(
      await digestFile(target, { durable: true }, onBytes).catch(unlessGone(vm, backupId)),
    );
  }
  const manifest = manifestOf(plan, instant, origin, digests);
  await writeDurably(manifestPath(partial), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await rename(partial, publishedPath(folder, vm, backupId));
  return manifest;
}

/** Without one of its files no later attempt could publish the backup either. */
function unlessGone(vm: string, backupId: string) {
  return (cause: unknown): never => {
    if (!(cause instanceof RepositoryFormatError)) throw cause;
    const message = `${cause.message}: so there is nothing to publish`;
    throw new BackupNotFoundError(message, { vm, backupId }, { cause });
  };
}

async function checkParent(folder: string, vm: string, disk: DiskPlan): Promise<void> {
  if (disk.parent === null) return;
  const parent = await readManifest(folder, vm, disk.parent);
  const held = parent?.disks.find(({ device }) => device === disk.device);
  if (held?.virtualBytes !== disk.virtualBytes)
    throw new BackupNotFoundError(
      `${vm} ${disk.parent}: does not hold ${disk.device} any more, so what builds on it is not published`,
      { vm, backupId: disk.parent },
    );
}

function manifestOf(
  plan: BackupPlan,
  instant: InstantRecord,
  origin: Origin,
  digests: readonly Digest[],
): Manifest {
  return Manifest.parse({
    formatVersion: 1,
    vm: plan.vm,
    backupId: plan.backupId,
    ...origin,
    qemuVersion: plan.qemuVersion,
    kind: plan.kind,
    parent: plan.parent,
    shield: plan.shield,
    tier: plan.tier,
    ...instant,
    publishedAt: new Date().toISOString(),
    disks: plan.disks.map(({ device, node, virtualBytes, kind, reason, parent, previous }, at) => ({
      device,
      node,
      virtualBytes,
      kind,
      reason,
      parent,
      bitmap: segmentName(device, plan.backupId, previous),
      ...digests[at],
      file: diskFile(device),
    })),
  });
}
