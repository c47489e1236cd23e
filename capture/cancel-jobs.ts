import type { QmpClient } from '../qemu/qmp/client.ts';
import { jobsReach } from './await-jobs.ts';
import { tolerant } from './tolerant.ts';
import { isOurs } from './vm-state.ts';

/** Cancels every job of ours, waits a little and dismisses. A job that hangs on its target stays for the next time. */
export async function cancelJobs(qmp: QmpClient): Promise<void> {
  for (const { id, status } of await qmp.execute('query-jobs', {}))
    if (isOurs(id) && status !== 'concluded') await tolerant(qmp.execute('job-cancel', { id }));
  await jobsReach(qmp, ({ status }) => status === 'concluded', 2_000);
  for (const { id, status } of await qmp.execute('query-jobs', {}))
    if (isOurs(id) && status === 'concluded') await tolerant(qmp.execute('job-dismiss', { id }));
}
