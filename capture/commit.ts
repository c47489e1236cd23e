import { parseOurName } from '../model/names.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { jobsReach } from './await-jobs.ts';
import { NotFreedError } from './errors.ts';
import type { Receivers } from './ports.ts';
import { takeOut } from './take-out.ts';
import { isShielded } from './traces.ts';
import { isOurs, readVmState, type Job } from './vm-state.ts';

/**
 * Ends a copy that is complete and flushed: finalizes its jobs and takes everything of ours but the segments out of the
 * VM. Call it only when the copy is known to be complete: absent jobs prove nothing. May be called again.
 */
export async function commitCopy(qmp: QmpClient, receivers: Receivers): Promise<void> {
  // The data is flushed. Behind a shield a receiver that is gone cannot hang the finalizing; without one it is the
  // other way round.
  if (isShielded(await readVmState(qmp))) await receivers.end();
  for (const { id, status } of await qmp.execute('query-jobs', {}))
    if (isOurs(id) && status === 'pending') await qmp.execute('job-finalize', { id });
  // What keeps the instant has no end of its own.
  const isThrough = ({ id, status }: Job) =>
    status === 'concluded' || parseOurName(id)?.role === 'b';
  if (!(await jobsReach(qmp, isThrough, 5_000)))
    throw new NotFreedError('the copy jobs do not end although they are complete; trying again');
  await takeOut(qmp, receivers);
}
