import { ourName } from '../model/names.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import type { Action } from './bitmap-actions.ts';
import type { CaptureContext } from './ports.ts';
import { tolerant } from './tolerant.ts';

/** So large that at one byte a second it is never through, also while it is not paused yet. */
const holderBytes = 1024 ** 3;

/** Adds the two nodes between which the holder copies nothing. After a death here the clean-up finds the names. */
export async function addHolder({ qmp, plan }: CaptureContext): Promise<void> {
  for (const index of [0, 1])
    await qmp.execute('blockdev-add', {
      driver: 'null-co',
      'node-name': ourName(plan.backupId, index, 'h'),
      size: holderBytes,
    });
}

/** The job that keeps its group from ending. */
export function holderJob(plan: BackupPlan): Action {
  return {
    type: 'blockdev-backup',
    data: {
      'job-id': jobOf(plan),
      device: ourName(plan.backupId, 0, 'h'),
      target: ourName(plan.backupId, 1, 'h'),
      sync: 'full',
      speed: 1,
    },
  };
}

/** Each drain of the disks would wake a job that only sleeps for its speed. */
export async function pauseHolder(qmp: QmpClient, plan: BackupPlan): Promise<void> {
  await qmp.execute('block-job-pause', { device: jobOf(plan) });
}

/** Lets the group end: each job when it is through, all of them together. May be called again. */
export async function letHolderGo(qmp: QmpClient, plan: BackupPlan): Promise<void> {
  const device = jobOf(plan);
  // It may have gone on, or ended, at an earlier call.
  await tolerant(qmp.execute('block-job-set-speed', { device, speed: 0 }));
  await tolerant(qmp.execute('block-job-resume', { device }));
}

/** Whether the holder is there and waits. */
export async function holdsStill(qmp: QmpClient, plan: BackupPlan): Promise<boolean> {
  const jobs = await qmp.execute('query-jobs', {});
  return jobs.some(({ id, status }) => id === jobOf(plan) && status === 'paused');
}

function jobOf({ backupId }: BackupPlan): string {
  return ourName(backupId, 0, 'h');
}
