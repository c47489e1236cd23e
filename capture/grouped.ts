import { ourName, segmentName } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import { QmpTimeoutError } from '../qemu/errors.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { granularity, plannedDisk, type Action } from './bitmap-actions.ts';
import { placeOf, proveTargets, receiverAt } from './block-nodes.ts';
import { speedOf } from './copy-jobs.ts';
import { LeftoversError, TargetUnusableError } from './errors.ts';
import { addHolder, holderJob, holdsStill, pauseHolder } from './holder.ts';
import type { Capture, CaptureContext } from './ports.ts';
import { refuseSpent } from './spent.ts';
import { expectAll, expectNone } from './traces.ts';
import { readVmState } from './vm-state.ts';
import { watchGroup } from './watch-group.ts';

/** A mute receiver hangs the whole monitor while a job opens its target, until it hangs up: so this long, and it is ended. */
const attachMs = 3_000;

/**
 * The copy straight from the disk for QEMU 2.11, where bitmaps neither rest nor merge, a job clears the one that it reads
 * and is gone when it has ended. Every segment records on, so the parent's alone holds all changes since the parent. All
 * jobs are one group with a holder, which waits: until it is let go, nothing is cleared, and whoever cancels one ends all.
 */
export const grouped: Capture = {
  async prepare(context) {
    await proveTargets(context);
    await addHolder(context);
  },

  async takeInstant(context) {
    const { qmp, plan, places, receivers } = context;
    const state = await readVmState(qmp);
    expectNone(state, plan, ['f', 't', 'a', 'j', 'k']);
    const disks = plan.disks.map((planned) => ({ planned, disk: plannedDisk(state, planned) }));
    for (const { disk } of disks) refuseSpent(disk);
    for (const { index } of plan.disks) await receivers.probe(placeOf(places, index).targetSocket);
    // No group takes these in. That they record a little before the instant makes the next copy larger, and no less exact.
    for (const { planned, disk } of disks)
      await qmp.execute('block-dirty-bitmap-add', {
        node: disk.node,
        name: segmentName(planned.device, plan.backupId, planned.previous),
        granularity,
        persistent: false,
      });
    const jobs = disks.map(({ planned, disk }) => groupJob(context, planned, disk.node));
    await start(context, [...jobs, holderJob(plan)]);
    const takenAt = new Date().toISOString();
    await pauseHolder(qmp, plan);
    return { takenAt, pausedMs: 0 };
  },

  async startCopy({ qmp, plan }) {
    expectAll(await readVmState(qmp), plan, 'j');
    if (!(await holdsStill(qmp, plan)))
      throw new LeftoversError('the holder of the copy jobs does not wait; starting anew');
  },

  watch: watchGroup,
};

/** A disk's job. Its target is opened with it: a node of ours made before would have no use for `drive-backup`. */
function groupJob({ plan, places }: CaptureContext, planned: DiskPlan, node: string): Action {
  const { index } = planned;
  const file = receiverAt(placeOf(places, index).targetSocket);
  const target = { driver: 'raw', 'node-name': ourName(plan.backupId, index, 't'), file };
  return {
    type: 'drive-backup',
    data: {
      'job-id': ourName(plan.backupId, index, 'j'),
      device: node,
      target: `json:${JSON.stringify(target)}`,
      format: 'raw',
      mode: 'existing',
      ...speedOf(plan),
      ...changesOf(plan, planned),
      // A job that stops instead of ending makes its end mean success.
      'on-source-error': 'stop',
      'on-target-error': 'stop',
    },
  };
}

/** What is copied: all, or what the one segment of the parent marks. */
function changesOf(
  { backupId }: BackupPlan,
  { kind, device, merge }: DiskPlan,
): { sync: 'full' } | { sync: 'incremental'; bitmap: string } {
  const [bitmap, ...others] = merge;
  if (kind === 'full') return { sync: 'full' };
  if (bitmap === undefined || others.length > 0)
    throw new RangeError(`${backupId}: ${device}: one segment is copied, not ${merge.length}`);
  return { sync: 'incremental', bitmap };
}

async function start(
  { qmp, receivers }: { qmp: QmpClient; receivers: CaptureContext['receivers'] },
  actions: Action[],
): Promise<void> {
  const properties = { 'completion-mode': 'grouped' } as const;
  try {
    await qmp.execute('transaction', { actions, properties }, { timeoutMs: attachMs });
  } catch (cause) {
    if (!(cause instanceof QmpTimeoutError)) throw cause;
    await receivers.end();
    throw new TargetUnusableError('QEMU does not come back from its targets', { cause });
  }
}
