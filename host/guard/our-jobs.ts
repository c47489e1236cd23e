import { setTimeout as delay } from 'node:timers/promises';
import { parseOurName } from '../../model/names.ts';
import { QmpCommandError } from '../../qemu/errors.ts';
import type { QmpClient } from '../../qemu/qmp/client.ts';
import type { JobInfo } from '../../qemu/qmp/replies.ts';

const commandMs = 2_000;
const lookMs = 50;

/** The jobs of a backup that have not ended. */
export async function liveJobs(qmp: QmpClient, backupId: string): Promise<JobInfo[]> {
  const jobs = await qmp.execute('query-jobs', {}, { timeoutMs: commandMs });
  return jobs.filter(
    ({ id, status }) =>
      parseOurName(id)?.backupId === backupId && status !== 'concluded' && status !== 'null',
  );
}

/** Those that a target can still trouble: one in `pending` has copied everything. */
export async function workingJobs(qmp: QmpClient, backupId: string): Promise<JobInfo[]> {
  return (await liveJobs(qmp, backupId)).filter(({ status }) => status !== 'pending');
}

/** Those whose target may have made a write of the guest fail: at work, or ended by an error, which may come first. */
export async function troublingJobs(qmp: QmpClient, backupId: string): Promise<JobInfo[]> {
  const jobs = await qmp.execute('query-jobs', {}, { timeoutMs: commandMs });
  return jobs.filter(
    ({ id, status, error }) =>
      parseOurName(id)?.backupId === backupId &&
      (status === 'concluded' ? error !== undefined : status !== 'pending' && status !== 'null'),
  );
}

/** Cancels a backup's jobs and tells whether all have ended within `boundMs`. Their outcome stays to be seen. */
export async function cancelJobs(
  qmp: QmpClient,
  backupId: string,
  boundMs: number,
): Promise<boolean> {
  const until = performance.now() + boundMs;
  for (const { id } of await liveJobs(qmp, backupId)) {
    try {
      await qmp.execute('job-cancel', { id }, { timeoutMs: commandMs });
    } catch (error) {
      // It ends already, or has ended.
      if (!(error instanceof QmpCommandError)) throw error;
    }
  }
  while ((await liveJobs(qmp, backupId)).length > 0) {
    if (performance.now() >= until) return false;
    await delay(lookMs);
  }
  return true;
}
