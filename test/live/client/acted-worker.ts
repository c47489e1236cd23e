import { fileURLToPath } from 'node:url';
import { Context, ApplicationFailure } from '@temporalio/activity';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Location } from '../../../activities/control-activities.ts';
import { BackupRequest } from '../../../model/request.ts';
import type { BackupResult } from '../../../model/result.ts';
import { instant, monday, planOf } from '../../repository/sample.ts';

const codePath = fileURLToPath(new URL('../../../dist/workflows/bundle.js', import.meta.url));

// Failing workflows are the point here.
Runtime.install({ logger: new DefaultLogger('ERROR') });

/** The queue of the host that is acted. */
export const hostQueue = 'stillpoint-host-acted';

/** What the copy shows until it is let go. */
export const progress = { doneBytes: 400, totalBytes: 1000, percent: 40 };

/** The real workflow, over activities that only act: no QEMU, no files. */
export type ActedWorker = AsyncDisposable & {
  /** Lets the copy end. */
  readonly letCopyEnd: () => void;
  /** The names of the activities that began, in their order. */
  readonly begun: readonly string[];
};

/**
 * Starts it. The copy goes on until it is let go or cancelled; `busy` lets planning fail as a VM with a backup does;
 * `hostGone` lets the rollback wait for ever, as for a host that never comes back.
 */
export async function startActedWorker(
  address: string,
  { busy = false, hostGone = false } = {},
): Promise<ActedWorker> {
  let letCopyEnd = () => {};
  const copyEnds = new Promise<void>((resolve) => (letCopyEnd = resolve));
  const begun: string[] = [];
  const plan = planOf(monday);
  const acted = {
    planBackup: async () => {
      if (busy) throw ApplicationFailure.nonRetryable('web1: another backup runs', 'VmBusyError');
      return plan;
    },
    prepareTargets: async () => {},
    freezeGuest: async () => {},
    takeInstant: async () => ({
      takenAt: instant.takenAt,
      pausedMs: 3,
      held: true,
      freeze: { frozen: true, filesystems: 2 },
    }),
    thawGuest: async () => ({ frozenMs: 40, held: true }),
    startCopy: async () => {},
    watchCopy: async () => {
      const { cancelled, heartbeat } = Context.current();
      heartbeat(progress);
      // Cancellation arrives with a heartbeat's answer.
      const beat = setInterval(() => heartbeat(progress), 200);
      await Promise.race([copyEnds, cancelled]).finally(() => clearInterval(beat));
    },
    commitBackup: async () => {},
    publishBackup: async (): Promise<BackupResult> => result,
    rollbackBackup: async () => {
      if (!hostGone) return { troubles: [] };
      const { cancelled, heartbeat } = Context.current();
      const beat = setInterval(heartbeat, 200);
      return cancelled.finally(() => clearInterval(beat));
    },
  };
  const noted = Object.entries(acted).map(([name, act]) => [
    name,
    async () => {
      begun.push(name);
      return act();
    },
  ]);
  const connection = await NativeConnection.connect({ address });
  const shutdown = { shutdownGraceTime: 0, shutdownForceTime: '5 seconds' } as const;
  const workers = [
    await Worker.create({
      connection,
      ...shutdown,
      taskQueue: 'stillpoint',
      workflowBundle: { codePath },
      activities: { locateVm },
    }),
    await Worker.create({
      connection,
      ...shutdown,
      taskQueue: hostQueue,
      maxHeartbeatThrottleInterval: '200 milliseconds',
      defaultHeartbeatThrottleInterval: '200 milliseconds',
      activities: Object.fromEntries(noted) as typeof acted,
    }),
  ];
  const runs = Promise.allSettled(workers.map((worker) => worker.run()));
  return {
    letCopyEnd,
    begun,
    [Symbol.asyncDispose]: async () => {
      letCopyEnd();
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await runs;
      await connection.close();
    },
  };
}

/** What every backup here comes to. */
export const result: BackupResult = {
  vm: 'web1',
  backupId: monday,
  kind: 'full',
  parent: null,
  consistency: 'filesystem',
  frozenMs: 40,
  pausedMs: 3,
  warnings: [],
  disks: [{ device: 'vd0', kind: 'full', reason: 'first-backup', bytes: 1000, file: '/r/vd0' }],
};

async function locateVm(request: BackupRequest): Promise<Location> {
  return {
    vm: request.vm,
    host: 'acted',
    taskQueue: hostQueue,
    maxFreezeSeconds: 10,
    indexed: false,
    parsed: BackupRequest.parse(request),
  };
}
