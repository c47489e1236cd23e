import { z } from 'zod';
import { dropOldSegments } from '../capture/tidy-segments.ts';
import { readLock, releaseLock, requireLock } from '../host/lock.ts';
import { removeReceiverFiles } from '../host/receivers.ts';
import { removeScratch } from '../host/scratch.ts';
import { InstantRecord } from '../model/instant.ts';
import type { Manifest } from '../model/manifest.ts';
import { BackupPlan } from '../model/plan.ts';
import type { BackupResult } from '../model/result.ts';
import type { HostDependencies } from './dependencies.ts';
import { publishedIds } from './published-ids.ts';
import { reachQemu } from './reach-qemu.ts';
import { atVm, type VmSite } from './vm-site.ts';

/** The input of `publishBackup`. */
export const PublishInput = z.strictObject({
  plan: BackupPlan,
  instant: InstantRecord,
  runId: z.uuid(),
});
export type PublishInput = z.output<typeof PublishInput>;

/**
 * Digests the files, writes the manifest and renames the folder into place: from then on the backup is listed. Then it
 * drops segments that nobody needs any more and releases the lock. May be called again at any point, also after the end.
 */
export async function publishBackup(
  dependencies: HostDependencies,
  { plan, instant, runId, workflowId }: PublishInput & { workflowId: string },
  signal: AbortSignal,
): Promise<BackupResult> {
  const { vm, backupId } = plan;
  return atVm(dependencies, vm, signal, async (site) => {
    const { repository, paths, config } = site;
    const { backups } = await repository.survey(vm, { signal });
    const published = backups.find((one) => one.backupId === backupId);
    // An attempt that died after the release finds its manifest; without one, only the lock's holder may go on.
    if (!published || (await readLock(paths, vm))?.backupId === backupId)
      await requireLock(paths, vm, backupId);
    else return resultOf(published);

    const record = { ...instant, warnings: [...plan.warnings, ...instant.warnings] };
    const origin = { host: config.host, workflowId, runId };
    const manifest = await repository.publish(plan, record, origin, { signal });
    await dropSegments(site);
    await removeScratch(paths, vm);
    await removeReceiverFiles(paths, vm);
    await releaseLock(paths, vm, backupId);
    return resultOf(manifest);
  });
}

/** Drops the segments that nothing in the repository needs, and those beyond `keepSegments`. */
export async function dropSegments(site: VmSite): Promise<void> {
  await using qmp = await reachQemu(site);
  if (!qmp) return;
  const published = await publishedIds(site);
  await dropOldSegments(qmp, (id) => published.has(id), site.config.keepSegments);
}

function resultOf(manifest: Manifest): BackupResult {
  const { vm, backupId, kind, parent, consistency, warnings } = manifest;
  const { frozenMs, pausedMs, frozen } = manifest;
  const disks = manifest.disks.map(({ device, kind, reason, bytes, file }) => ({
    device,
    kind,
    reason,
    bytes,
    file,
  }));
  const numbers = { frozenMs, pausedMs, ...(frozen && { frozen }) };
  return { vm, backupId, kind, parent, consistency, ...numbers, warnings, disks };
}
