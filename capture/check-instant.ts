import { ourName } from '../model/names.ts';
import { jobsReach } from './await-jobs.ts';
import { cancelJobs } from './cancel-jobs.ts';
import { NotFreedError, SnapshotBrokenError } from './errors.ts';
import { expectHeld, isHeldByJob } from './held-by-job.ts';
import type { CaptureContext } from './ports.ts';

const checkMs = 5_000;

/**
 * Throws a `SnapshotBrokenError` unless QEMU still holds every disk as it was at the instant. The copy of one sector from
 * behind the filter (where there is one) is refused once anything that the guest overwrote could not be kept. QEMU has no query for it.
 */
export async function checkInstant(context: CaptureContext): Promise<void> {
  const { qmp, plan } = context;
  if (isHeldByJob(plan)) return expectHeld(qmp, plan);
  // One that its watcher left when it died.
  await cancelJobs(qmp);
  for (const { device, index } of plan.disks) {
    const job = ourName(plan.backupId, index, 'j');
    await qmp.execute('blockdev-backup', {
      'job-id': job,
      device: ourName(plan.backupId, index, 'c'),
      target: ourName(plan.backupId, 0, 'n'),
      sync: 'full',
      'auto-dismiss': false,
    });
    const ended = await jobsReach(qmp, ({ status }) => status === 'concluded', checkMs);
    if (!ended) throw new NotFreedError(`${job}: no end within ${checkMs} ms; trying again`);
    const found = (await qmp.execute('query-jobs', {})).find(({ id }) => id === job);
    await qmp.execute('job-dismiss', { id: job });
    if (found?.error !== undefined)
      throw new SnapshotBrokenError(
        `disk ${device}: the scratch could not keep what the guest overwrote, so what was read is worth nothing; ` +
          'raise scratchBytes, look at the file system of `state`, or read faster',
      );
  }
}
