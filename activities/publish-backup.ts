import { z } from 'zod';
import { InstantRecord } from '../model/instant.ts';
import type { Manifest } from '../model/manifest.ts';
import { BackupPlan } from '../model/plan.ts';
import type { BackupResult } from '../model/result.ts';
import type { HostDependencies } from './dependencies.ts';
import { endedAs, endRun } from './end-run.ts';
import { atVm } from './vm-site.ts';

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
    const { repository, config } = site;
    const { backups } = await repository.survey(vm, { signal });
    const published = backups.find((one) => one.backupId === backupId);
    const ended = await endedAs(site, backupId, published);
    if (ended) return resultOf(ended);

    const record = { ...instant, warnings: [...plan.warnings, ...instant.warnings] };
    const origin = { host: config.host, workflowId, runId };
    const manifest = await repository.publish(plan, record, origin, { signal });
    await endRun(site, backupId);
    return resultOf(manifest);
  });
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
