import {
  ActivityCancellationType,
  proxyActivities,
  type ActivityInterfaceFor,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { ControlActivities } from '../activities/control-activities.ts';
import type { HostActivities } from '../activities/host-activities.ts';
import { permanent, permanentAtTheEnd, permanentWhilePlanning } from './permanent-errors.ts';

/** How long a forward step waits for a worker of its host; an absent host becomes a failure that the workflow undoes. */
const scheduleToStartTimeout = '2 minutes';

/** Finds the VM, on the control queue that the workflow itself runs on. */
export const { locateVm } = proxyActivities<ControlActivities>({
  summary: 'Which host has the VM?',
  startToCloseTimeout: '15 seconds',
  scheduleToCloseTimeout: '1 minute',
  retry: { nonRetryableErrorTypes: permanent },
});

/** The same for an export. */
export const { locateExport } = proxyActivities<ControlActivities>({
  summary: 'Which host has the VM?',
  startToCloseTimeout: '15 seconds',
  scheduleToCloseTimeout: '1 minute',
  retry: { nonRetryableErrorTypes: permanent },
});

/** Repeated after a failure, a bounded number of times, each within a minute. */
const repeated: ActivityOptions = {
  scheduleToStartTimeout,
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '20 seconds',
  retry: { maximumAttempts: 3, nonRetryableErrorTypes: permanent },
};

/** As long as a disk takes to be read. */
const copying: ActivityOptions = {
  scheduleToStartTimeout,
  startToCloseTimeout: '7 days',
  // A cancellation comes with a heartbeat's answer, after 0.8 of this at most.
  heartbeatTimeout: '10 seconds',
  retry: {
    initialInterval: '500 milliseconds',
    maximumInterval: '10 seconds',
    // Each restart of the worker costs one; a monitor that never answers again ends with the last.
    maximumAttempts: 30,
    nonRetryableErrorTypes: permanent,
  },
};

/** Only the way forward or back is left, so there is no bound but on each attempt: an absent host is waited for. */
const unbounded: ActivityOptions = {
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '20 seconds',
  retry: {
    initialInterval: '500 milliseconds',
    maximumInterval: '20 seconds',
    nonRetryableErrorTypes: permanentAtTheEnd,
  },
};

/** The steps of a backup on the host that polls `taskQueue`, each with its summary, time-outs and attempts. */
export function stepsOn(taskQueue: string, maxFreezeSeconds: number) {
  const step = <Name extends keyof HostActivities>(
    name: Name,
    summary: string,
    options: ActivityOptions,
  ): ActivityInterfaceFor<HostActivities>[Name] =>
    proxyActivities<HostActivities>({
      taskQueue,
      summary,
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      ...options,
    })[name];
  /** With the guest frozen there is no time for a second attempt: the workflow thaws and starts anew. */
  const once: ActivityOptions = {
    scheduleToStartTimeout: '20 seconds',
    startToCloseTimeout: `${maxFreezeSeconds + 15} seconds`,
    retry: { maximumAttempts: 1 },
  };
  return {
    planBackup: step('planBackup', 'Take the lock, look at the VM, decide what to copy', {
      ...repeated,
      retry: { maximumAttempts: 3, nonRetryableErrorTypes: permanentWhilePlanning },
    }),
    carryTrackingOver: step('carryTrackingOver', 'Carry the tracking over a snapshot', {
      ...copying,
      retry: { ...copying.retry, maximumAttempts: 3 },
    }),
    prepareTargets: step('prepareTargets', 'Create targets and scratch, prove the way', repeated),
    freezeGuest: step(
      'freezeGuest',
      'Start the guard, and have it freeze the guest file systems',
      once,
    ),
    takeInstant: step(
      'takeInstant',
      'Take the instant of all disks, once the guest is frozen',
      once,
    ),
    thawGuest: step('thawGuest', 'Make sure that the guest is thawed', unbounded),
    startCopy: step('startCopy', 'Start the copy jobs', {
      ...repeated,
      retry: { maximumAttempts: 1 },
    }),
    watchCopy: step('watchCopy', 'Copy to the targets', copying),
    watchHalt: step('watchHalt', 'Look after the copy while an operator is waited for', {
      scheduleToStartTimeout,
      startToCloseTimeout: '8 days',
      // Whoever asked for its end does not wait for it: it touches nothing, and is seldom asked.
      cancellationType: ActivityCancellationType.TRY_CANCEL,
      heartbeatTimeout: '1 minute',
      retry: {
        initialInterval: '500 milliseconds',
        maximumInterval: '10 seconds',
        maximumAttempts: 100,
        nonRetryableErrorTypes: permanent,
      },
    }),
    resumeCopy: step('resumeCopy', 'Have the copy go on', {
      ...repeated,
      scheduleToStartTimeout: '30 seconds',
    }),
    setBandwidth: step('setBandwidth', 'Say how fast to copy', {
      ...repeated,
      scheduleToStartTimeout: '30 seconds',
    }),
    commitBackup: step('commitBackup', 'Free the VM, keep the new segments', unbounded),
    publishBackup: step('publishBackup', 'Digest and publish', {
      ...unbounded,
      startToCloseTimeout: '1 day',
    }),
    planSnapshot: step('planSnapshot', 'Take the lock, look at the VM', {
      ...repeated,
      retry: { maximumAttempts: 3, nonRetryableErrorTypes: permanentWhilePlanning },
    }),
    prepareSnapshot: step('prepareSnapshot', 'Create the overlays, have QEMU open them', repeated),
    takeSnapshot: step('takeSnapshot', 'Go over to the overlays, once the guest is frozen', once),
    settleSnapshot: step('settleSnapshot', 'See whether it was taken; undo it if not', unbounded),
    planExport: step('planExport', 'Take the lock, look at the VM, decide what to tell', {
      ...repeated,
      retry: { maximumAttempts: 3, nonRetryableErrorTypes: permanentWhilePlanning },
    }),
    prepareExport: step('prepareExport', 'Create scratch, start the NBD server', repeated),
    startExport: step('startExport', 'Serve the disks', {
      ...repeated,
      retry: { maximumAttempts: 1 },
    }),
    watchExport: step('watchExport', 'Look after what is served', {
      scheduleToStartTimeout,
      startToCloseTimeout: '8 days',
      heartbeatTimeout: '20 seconds',
      // Nobody waits for its end: it leaves the VM alone between two looks, and for good when the lock has gone.
      cancellationType: ActivityCancellationType.TRY_CANCEL,
      retry: {
        initialInterval: '500 milliseconds',
        maximumInterval: '10 seconds',
        // Each restart of the worker costs one.
        maximumAttempts: 100,
        nonRetryableErrorTypes: permanent,
      },
    }),
    closeExport: step('closeExport', 'End what is served, and see that it was exact', repeated),
    publishExport: step('publishExport', 'Record the checkpoint', unbounded),
    rollbackBackup: step('rollbackBackup', 'Undo: free the VM, merge back', unbounded),
  };
}

export type Steps = ReturnType<typeof stepsOn>;
