import { ourName, temporaryBitmapName } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import type { Action } from './bitmap-actions.ts';

/** The job that copies a disk's instant from `source` to its target. It waits before its end, and stays until dismissed. */
export function copyJob(plan: BackupPlan, disk: DiskPlan, source: string): Action {
  return {
    type: 'blockdev-backup',
    data: {
      ...lasting(ourName(plan.backupId, disk.index, 'j')),
      ...onErrors(plan),
      ...speedOf(plan),
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
      ...onErrors(plan),
      ...speedOf(plan),
      device: ourName(plan.backupId, disk.index, 's'),
      target: ourName(plan.backupId, disk.index, 't'),
      sync: 'top',
    },
  };
}

function lasting(jobId: string) {
  return { 'job-id': jobId, 'auto-finalize': false, 'auto-dismiss': false } as const;
}

/** QEMU's own `ignore` would try the same again without a pause, and flood the monitor with events. The watch resumes instead. */
function onErrors({ onSourceError = 'report', onTargetError = 'report' }: BackupPlan) {
  return {
    ...(onSourceError !== 'report' && {
      'on-source-error': onSourceError === 'ignore' ? ('stop' as const) : onSourceError,
    }),
    ...(onTargetError !== 'report' && {
      'on-target-error': onTargetError === 'ignore' ? ('stop' as const) : onTargetError,
    }),
  };
}

function speedOf({ maxBytesPerSecond: speed = 0 }: BackupPlan) {
  return speed > 0 ? { speed } : {};
}
