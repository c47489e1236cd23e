import { ourName, temporaryBitmapName } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import type { Action } from './bitmap-actions.ts';

/** The job that copies a disk's instant from `source` to its target. It waits before its end, and stays until dismissed. */
export function copyJob(plan: BackupPlan, disk: DiskPlan, source: string): Action {
  return {
    type: 'blockdev-backup',
    data: {
      ...lasting(ourName(plan.backupId, disk.index, 'j')),
      device: source,
      target: ourName(plan.backupId, disk.index, 't'),
      ...(disk.kind === 'full'
        ? { sync: 'full' }
        : {
            sync: 'bitmap',
            'bitmap-mode': 'never',
            bitmap: temporaryBitmapName(plan.backupId, disk.index),
          }),
    },
  };
}

/** The job that copies the scratch over the target: the old content of all that the guest has touched since the instant. */
export function secondPassJob(plan: BackupPlan, disk: DiskPlan): Action {
  return {
    type: 'blockdev-backup',
    data: {
      ...lasting(ourName(plan.backupId, disk.index, 'k')),
      device: ourName(plan.backupId, disk.index, 's'),
      target: ourName(plan.backupId, disk.index, 't'),
      sync: 'top',
    },
  };
}

function lasting(jobId: string) {
  return { 'job-id': jobId, 'auto-finalize': false, 'auto-dismiss': false } as const;
}
