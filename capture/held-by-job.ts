import { ourName } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import type { Action } from './bitmap-actions.ts';
import { ExportLostError, SnapshotBrokenError } from './errors.ts';

/** Whether a job holds the instant of this plan, and not a filter: before QEMU 7.1. */
export function isHeldByJob({ tier }: Pick<BackupPlan, 'tier'>): boolean {
  return tier === 'fleece-job';
}

/** The job that writes to the scratch what the guest is about to overwrite, as long as it runs. */
export function holdingJob({ backupId }: BackupPlan, { index, node }: DiskPlan): Action {
  return {
    type: 'blockdev-backup',
    data: {
      'job-id': ourName(backupId, index, 'b'),
      device: node,
      target: ourName(backupId, index, 's'),
      sync: 'none',
      'auto-dismiss': false,
    },
  };
}

/**
 * Throws unless the job of every disk runs: an `ExportLostError` where there is none, a `SnapshotBrokenError` where it has ended.
 * It keeps nothing any more then, and what was read since may be younger than the instant.
 */
export async function expectHeld(qmp: QmpClient, plan: BackupPlan): Promise<void> {
  const jobs = await qmp.execute('query-jobs', {});
  for (const { device, index } of plan.disks) {
    const job = jobs.find(({ id }) => id === ourName(plan.backupId, index, 'b'));
    if (!job)
      throw new ExportLostError(
        `disk ${device}: QEMU keeps its instant no more (was QEMU started anew?); what was read is worth nothing, start again`,
      );
    if (job.status !== 'running')
      throw new SnapshotBrokenError(
        `disk ${device}: the job that keeps its instant has ended${job.error === undefined ? '' : ` (${job.error})`}, so what was read is worth nothing; who cancelled it?`,
      );
  }
}
