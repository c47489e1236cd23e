import type { Checkpoint } from '../model/checkpoint.ts';
import type { ExportResult } from '../model/export.ts';
import type { HostDependencies } from './dependencies.ts';
import { requireKnownRepository } from './known-repository.ts';
import { endedAs, endRun } from './end-run.ts';
import type { PublishInput } from './publish-backup.ts';
import { atVm } from './vm-site.ts';

/**
 * Records the export as a checkpoint: from then on a later one may be incremental to it. Then it drops segments that
 * nobody needs any more and releases the lock. May be called again at any point, also after the end.
 */
export async function publishExport(
  dependencies: HostDependencies,
  { plan, instant, runId, workflowId }: PublishInput & { workflowId: string },
  signal: AbortSignal,
): Promise<ExportResult> {
  const { vm, backupId } = plan;
  return atVm(dependencies, vm, signal, async (site) => {
    const { repository, config } = site;
    const { checkpoints } = await repository.survey(vm, { signal });
    const recorded = checkpoints.find((one) => one.backupId === backupId);
    const ended = await endedAs(site, backupId, recorded);
    if (ended) return resultOf(ended);

    await requireKnownRepository(site);
    const record = { ...instant, warnings: [...plan.warnings, ...instant.warnings] };
    const origin = { host: config.host, workflowId, runId };
    const { keepSegments } = config;
    const checkpoint = await repository.recordCheckpoint(plan, record, origin, keepSegments, {
      signal,
    });
    await endRun(site, backupId);
    return resultOf(checkpoint);
  });
}

function resultOf(checkpoint: Checkpoint): ExportResult {
  const { vm, backupId, kind, parent, consistency, frozenMs, pausedMs, warnings } = checkpoint;
  const disks = checkpoint.disks.map(({ device, kind, reason, parent }) => {
    return { device, kind, reason, parent };
  });
  const common = { vm, backupId, kind, parent, consistency, frozenMs, pausedMs, warnings };
  return { ...common, outcome: 'completed', disks };
}
