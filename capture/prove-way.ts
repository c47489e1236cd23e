import { ourName } from '../model/names.ts';
import { QemuError } from '../qemu/errors.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import type { Args } from '../qemu/qmp/commands.ts';
import { jobsReach } from './await-jobs.ts';
import { attachTarget, removeNode } from './block-nodes.ts';
import { TargetUnusableError } from './errors.ts';
import type { CaptureContext } from './ports.ts';

const probeBytes = 65_536;
const probeMs = 10_000;

/**
 * Has QEMU write to and read back from a receiver of a small image beside the targets. What stands in the way of a
 * backup (permissions, a full or read-only repository) shows here, before the guest is touched. Leaves no node behind;
 * after a death here the clean-up finds the names.
 */
export async function proveWay(context: CaptureContext, socket: string): Promise<void> {
  const { qmp, plan } = context;
  const target = ourName(plan.backupId, 0, 'p');
  const zeroes = ourName(plan.backupId, 1, 'p');
  await attachTarget(context, { name: target, socket, reconnectSeconds: 0 });
  await qmp.execute('blockdev-add', {
    driver: 'null-co',
    'node-name': zeroes,
    size: probeBytes,
    'read-zeroes': true,
  });
  try {
    await copy(context, zeroes, target);
    await copy(context, target, zeroes);
  } catch (cause) {
    if (!(cause instanceof QemuError)) throw cause;
    throw new TargetUnusableError(`${socket}: QEMU cannot write to the target`, { cause });
  }
  await removeNode(qmp, zeroes);
  await removeNode(qmp, target);
}

async function copy({ qmp, plan }: CaptureContext, from: string, to: string): Promise<void> {
  const id = ourName(plan.backupId, 0, 'p');
  const job = { 'job-id': id, device: from, target: to, sync: 'full' } as const;
  const { ended, error } = qmp.lacks('job-dismiss')
    ? await runVanishing(qmp, job)
    : await runLasting(qmp, job);
  if (!ended || error !== undefined)
    throw new TargetUnusableError(
      `the repository: QEMU could not write a probe: ${error ?? `no end within ${probeMs} ms`}`,
    );
}

type Job = Args<'blockdev-backup'>;
type Outcome = { readonly ended: boolean; readonly error: string | undefined };

async function runLasting(qmp: QmpClient, job: Job): Promise<Outcome> {
  await qmp.execute('blockdev-backup', { ...job, 'auto-dismiss': false });
  const ended = await jobsReach(qmp, ({ status }) => status === 'concluded', probeMs);
  const [found] = (await qmp.execute('query-jobs', {})).filter(({ id }) => id === job['job-id']);
  if (ended) await qmp.execute('job-dismiss', { id: job['job-id'] });
  return { ended, error: found?.error };
}

/** Where a job is gone when it has ended, only an event tells how. */
async function runVanishing(qmp: QmpClient, job: Job): Promise<Outcome> {
  let error: string | undefined = 'nobody has seen how its job ended';
  const unlisten = qmp.listen(({ event, data }) => {
    if (event === 'BLOCK_JOB_COMPLETED' && data['device'] === job['job-id'])
      error = typeof data['error'] === 'string' ? data['error'] : undefined;
  });
  try {
    await qmp.execute('blockdev-backup', job);
    const ended = await jobsReach(qmp, ({ id }) => id !== job['job-id'], probeMs);
    return { ended, error: ended ? error : undefined };
  } finally {
    unlisten();
  }
}
