import type { QmpClient } from '../qemu/qmp/client.ts';
import { jobsReach } from './await-jobs.ts';
import { tolerant } from './tolerant.ts';
import { isOurs } from './vm-state.ts';

/** Cancels every job of ours, waits a little and dismisses. Tells whether all have ended: one that waits for its target does not. */
export async function cancelJobs(qmp: QmpClient): Promise<boolean> {
  for (const { id, status } of await qmp.execute('query-jobs', {}))
    if (isOurs(id) && status !== 'concluded') await tolerant(qmp.execute('job-cancel', { id }));
  const ended = await jobsReach(qmp, ({ status }) => status === 'concluded', 2_000);
  for (const { id, status } of await qmp.execute('query-jobs', {}))
    if (isOurs(id) && status === 'concluded') await tolerant(qmp.execute('job-dismiss', { id }));
  return ended;
}
