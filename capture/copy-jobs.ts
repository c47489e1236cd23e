import { ourName, temporaryBitmapName } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import type { Action } from './bitmap-actions.ts';

/** The job that copies a disk's instant from `source` to its target. It waits before its end, and stays until dismissed. */
export function copyJob(plan: BackupPlan, disk: DiskPlan, source: string): Action {
  return jobFrom(plan, disk, source, { sync: 'bitmap', 'bitmap-mode': 'never' });
}

/**
 * The same where no job leaves its bitmap alone: this one clears it at a good end. It is never there when it has ended:
 * QEMU 3.1 dies of a VM that is stopped, continued or reset beside one (SIGSEGV), and a write that fails for want of room
 * at the target does all but the last. So it stops at every error, whatever the policy, and one that is gone has failed.
 */
export function clearingCopyJob(plan: BackupPlan, disk: DiskPlan, source: string): Action {
  const { type, data } = jobFrom(plan, disk, source, { sync: 'incremental' });
  const { 'auto-dismiss': _, ...vanishing } = data;
  return { type, data: { ...vanishing, 'on-source-error': 'stop', 'on-target-error': 'stop' } };
}

function jobFrom(
  plan: BackupPlan,
  disk: DiskPlan,
  source: string,
  how: { readonly sync: 'bitmap' | 'incremental'; readonly 'bitmap-mode'?: 'never' },
): Extract<Action, { type: 'blockdev-backup' }> {
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
        : { ...how, bitmap: temporaryBitmapName(plan.backupId, disk.index) }),
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

/** How fast a job begins. */
export function speedOf({ maxBytesPerSecond: speed = 0 }: BackupPlan) {
  return speed > 0 ? { speed } : {};
}
