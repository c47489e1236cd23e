import { ourName, temporaryBitmapName } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import { BlockJobError } from '../qemu/errors.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { ourJobs } from './await-jobs.ts';
import { granularity, plannedDisk, type Action } from './bitmap-actions.ts';
import { VmChangedError } from './errors.ts';
import { readVmState } from './vm-state.ts';

type Context = {
  readonly qmp: QmpClient;
  readonly plan: BackupPlan;
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
};

/**
 * Carries the segments that an external snapshot has left below a disk over to the disk's own node, under their own
 * names: from then on the disk is tracked as if there were no snapshot, and an image that is streamed, and so loses what
 * is below, keeps its tracking. Changes since then are what was recorded below, what the overlays have allocated, and
 * what the guest writes while that is read. The segments come to be in one transaction, whole or not at all; what else
 * this leaves in the VM is `takeOut`'s.
 */
export async function carryOver(context: Context, planned: DiskPlan): Promise<void> {
  const { qmp, plan } = context;
  const { below, node } = planned;
  if (!below) return;
  const state = await readVmState(qmp);
  plannedDisk(state, planned);
  // From here on what the guest writes is recorded: what is read next may be of before or after.
  const work = { node, name: temporaryBitmapName(plan.backupId, planned.index) };
  await qmp.execute('block-dirty-bitmap-add', { ...work, granularity });
  const allocated = await readAllocated(context, planned, below.overlays);

  const after = await readVmState(qmp);
  const chain = [...below.overlays, below.from];
  if (
    chain.some(
      (one, index) => index > 0 && after.graph.child(chain[index - 1] ?? '', 'backing') !== one,
    )
  )
    throw new VmChangedError(`disk ${planned.device}: its backing chain has changed meanwhile`);
  await qmp.execute('transaction', {
    actions: below.segments.flatMap(({ name, recording }): Action[] => [
      {
        type: 'block-dirty-bitmap-add',
        data: { node, name, persistent: planned.persistent, granularity, disabled: !recording },
      },
      {
        type: 'block-dirty-bitmap-merge',
        data: {
          node,
          target: name,
          bitmaps: [{ node: below.from, name }, ...(recording ? [work, allocated] : [])],
        },
      },
    ]),
  });
}

/**
 * What the overlays have allocated, as a bitmap: all of it is copied to a node that keeps nothing, and whose bitmap
 * records each write. There is no command for it.
 */
async function readAllocated(
  context: Context,
  { index, virtualBytes }: DiskPlan,
  overlays: readonly string[],
): Promise<{ node: string; name: string }> {
  const { qmp, plan } = context;
  const node = ourName(plan.backupId, index, 'o');
  const name = temporaryBitmapName(plan.backupId, index);
  await qmp.execute('blockdev-add', {
    driver: 'null-co',
    'node-name': node,
    size: virtualBytes,
    'read-zeroes': true,
  });
  await qmp.execute('block-dirty-bitmap-add', { node, name, granularity });
  for (const overlay of overlays) {
    await qmp.execute('blockdev-backup', {
      'job-id': node,
      device: overlay,
      target: node,
      sync: 'top',
      'auto-dismiss': false,
    });
    await ended(context, node);
    await qmp.execute('job-dismiss', { id: node });
  }
  return { node, name };
}

async function ended({ qmp, signal, onProgress }: Context, jobId: string): Promise<void> {
  for await (const jobs of ourJobs(qmp, { everyMs: 1_000, signal })) {
    const job = jobs.find(({ id }) => id === jobId);
    if (!job) throw new BlockJobError(jobId, 'is not in the VM any more');
    onProgress(job['current-progress'], job['total-progress']);
    if (job.status !== 'concluded') continue;
    if (job.error !== undefined) throw new BlockJobError(jobId, job.error);
    return;
  }
}
