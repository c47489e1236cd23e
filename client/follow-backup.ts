import { setTimeout } from 'node:timers/promises';
import { TemporalUnreachableError } from './errors.ts';
import type { Message } from './output.ts';
import type { RunningBackup } from './running-backup.ts';
import type { StillpointClient } from './stillpoint-client.ts';
import type { VmStatus } from './vm-status.ts';
import { taskQueue } from './workflow-ids.ts';

/** What following needs besides the backup. Times in milliseconds, for tests. */
export type Following = {
  readonly client: Pick<StillpointClient, 'countPollers'>;
  readonly print: (message: Message) => void;
  readonly signal: AbortSignal;
  readonly lookEveryMs?: number;
  /** How long a backup may wait for a worker before that is told. */
  readonly patienceMs?: number;
  /** How long Temporal may be away before following gives up. */
  readonly outageMs?: number;
};

/**
 * Waits for the end of a backup and tells on the way what changes: its phase, how far the copy is, that a step failed
 * and is tried again, that nobody takes it. Costs Temporal no action. Rejects as `RunningBackup.result` does, and with
 * the reason of `signal` when that aborts.
 */
export async function followBackup<Result>(
  backup: RunningBackup<Result>,
  following: Following,
): Promise<Result> {
  const done = new AbortController();
  const watching = watch(backup, following, AbortSignal.any([following.signal, done.signal]));
  try {
    return await resultOf(backup, following);
  } finally {
    done.abort();
    await watching;
  }
}

/** A backup goes on while Temporal restarts, and so does the wait for its end. */
async function resultOf<Result>(
  backup: RunningBackup<Result>,
  following: Following,
): Promise<Result> {
  const { print, signal, outageMs = 300_000 } = following;
  for (let since = Date.now(); ;) {
    const asked = Date.now();
    try {
      return await backup.result(signal);
    } catch (error) {
      if (!(error instanceof TemporalUnreachableError)) throw error;
      // A wait that lasted this long was answered at first, so the outage has just begun.
      if (Date.now() - asked > 60_000) since = Date.now();
      if (Date.now() - since > outageMs) throw error;
      print({ type: 'note', message: `${error.message} The backup itself goes on. Trying again.` });
      await pause(1_000, signal);
    }
  }
}

async function watch(
  backup: Pick<RunningBackup, 'vm' | 'status'>,
  following: Following,
  signal: AbortSignal,
): Promise<void> {
  const { client, print, lookEveryMs = 1_000, patienceMs = 3_000 } = following;
  let seen: Partial<VmStatus> = {};
  let waitingSince = Date.now();
  let toldAt = 0;
  while (!signal.aborted) {
    await pause(lookEveryMs, signal);
    // What cannot be seen now is seen the next time; the result is waited for elsewhere.
    const status = await backup.status().catch(() => undefined);
    if (!status || signal.aborted) continue;
    for (const message of changes(backup.vm, seen, status)) print(message);
    seen = status;
    const queue = queueWithoutWorker(status);
    if (queue === undefined) waitingSince = Date.now();
    else if (Date.now() - waitingSince > patienceMs && Date.now() - toldAt > 10 * patienceMs) {
      const kind = queue === taskQueue ? 'workflow' : 'activity';
      const pollers = await client.countPollers(queue, kind).catch(() => undefined);
      if (pollers === undefined || signal.aborted) continue;
      toldAt = Date.now();
      print({ type: 'waiting', vm: backup.vm, taskQueue: queue, pollers });
    }
  }
}

/** What is new since the last look. */
function changes(vm: string, before: Partial<VmStatus>, now: VmStatus): Message[] {
  const { phase, progress, step } = now;
  const again = step?.lastFailure && step.attempt > 1;
  const known = before.step?.attempt === step?.attempt && before.step?.activity === step?.activity;
  return [
    ...(phase && phase !== before.phase ? [{ type: 'phase' as const, vm, phase }] : []),
    ...(progress && progress.doneBytes !== before.progress?.doneBytes
      ? [{ type: 'progress' as const, vm, step: 'copying' as const, ...progress }]
      : []),
    ...(again && !known
      ? [
          {
            type: 'retrying' as const,
            vm,
            activity: step.activity,
            attempt: step.attempt,
            error: step.lastFailure,
          },
        ]
      : []),
  ];
}

/** The task queue on which a backup waits for somebody, if it does. Between two attempts it waits for the time only. */
function queueWithoutWorker({ state, step }: VmStatus): string | undefined {
  if (state !== 'running') return undefined;
  if (!step) return taskQueue;
  return step.state === 'waiting' && !step.lastFailure ? (step.taskQueue ?? taskQueue) : undefined;
}

/** Waits, or until the signal aborts; never rejects. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {});
}
