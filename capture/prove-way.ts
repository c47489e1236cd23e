import { ourName } from '../model/names.ts';
import { QemuError } from '../qemu/errors.ts';
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
  const job = ourName(plan.backupId, 0, 'p');
  await qmp.execute('blockdev-backup', {
    'job-id': job,
    device: from,
    target: to,
    sync: 'full',
    'auto-dismiss': false,
  });
  const ended = await jobsReach(qmp, ({ status }) => status === 'concluded', probeMs);
  const [found] = (await qmp.execute('query-jobs', {})).filter(({ id }) => id === job);
  if (ended) await qmp.execute('job-dismiss', { id: job });
  if (!ended || found?.error !== undefined)
    throw new TargetUnusableError(
      `the repository: QEMU could not write a probe: ${found?.error ?? `no end within ${probeMs} ms`}`,
    );
}
