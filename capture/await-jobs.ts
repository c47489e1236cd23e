import { setTimeout as delay } from 'node:timers/promises';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { isOurs, type Job } from './vm-state.ts';

/** What tells that a job has changed: the first from QEMU 3.0 on, the others of its end on every one. */
const changes = new Set(['JOB_STATUS_CHANGE', 'BLOCK_JOB_COMPLETED', 'BLOCK_JOB_CANCELLED']);

/**
 * The jobs of ours, again and again: at once, after every change of a job, and at least every `everyMs`, for an event
 * may be lost with a connection. Ends only by `signal` (which throws) or by the caller's `break`.
 */
export async function* ourJobs(
  qmp: QmpClient,
  options: { everyMs: number; signal: AbortSignal },
): AsyncGenerator<Job[]> {
  let wake = new AbortController();
  const unlisten = qmp.listen(({ event }) => {
    if (changes.has(event)) wake.abort();
  });
  try {
    for (;;) {
      options.signal.throwIfAborted();
      wake = new AbortController();
      const jobs = await qmp.execute('query-jobs', {}, { signal: options.signal });
      yield jobs.filter(({ id }) => isOurs(id));
      await delay(options.everyMs, undefined, {
        signal: AbortSignal.any([wake.signal, options.signal]),
      }).catch(() => undefined);
    }
  } finally {
    unlisten();
  }
}

/** The jobs of ours as they are now. */
export async function ourJobsNow(qmp: QmpClient): Promise<Job[]> {
  return (await qmp.execute('query-jobs', {})).filter(({ id }) => isOurs(id));
}

/** Waits until all jobs of ours satisfy `done`, at most `timeoutMs`; tells whether they did. */
export async function jobsReach(
  qmp: QmpClient,
  done: (job: Job) => boolean,
  timeoutMs: number,
): Promise<boolean> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    for await (const jobs of ourJobs(qmp, { everyMs: 200, signal }))
      if (jobs.every(done)) return true;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return false;
}
