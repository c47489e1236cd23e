import { ourName, temporaryBitmapName } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import { scratchNode } from '../qemu/images/create-scratch.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { mayOffload } from './abilities.ts';
import { allDone } from './all-done.ts';
import {
  mergeInto,
  newSegment,
  plannedDisk,
  temporaryBitmap,
  type Action,
} from './bitmap-actions.ts';
import { attachTarget, placeOf, proveTargets } from './block-nodes.ts';
import { copyJob } from './copy-jobs.ts';
import { LeftoversError } from './errors.ts';
import { insertFilter } from './filter.ts';
import type { Capture, CaptureContext } from './ports.ts';
import { expectAll, expectNone } from './traces.ts';
import { readVmState, type Disk } from './vm-state.ts';
import { watchJobs } from './watch.ts';
import { whileStopped } from './while-stopped.ts';

type PlannedDisk = { readonly planned: DiskPlan; readonly disk: Disk };

/**
 * Fleecing, for QEMU 7.1 and newer: a copy-before-write filter above each disk keeps what the guest overwrites in a
 * local scratch, and the copy reads behind it. The guest never waits for the target.
 */
export const fleece: Capture = {
  async prepare(context) {
    await proveTargets(context);
    await addScratches(context);
    await mergeRestingSegments(context);
  },

  async takeInstant(context, lease) {
    const { qmp, plan } = context;
    const state = await readVmState(qmp);
    expectNone(state, plan, ['f', 't', 'a', 'j', 'k']);
    const disks = plan.disks.map((planned) => ({ planned, disk: plannedDisk(state, planned) }));
    expectTemporaryBitmaps(plan, disks);
    const flushAll = async () => {
      await Promise.all(disks.map(({ disk }) => flush(qmp, disk)));
    };
    return await whileStopped(qmp, lease, flushAll, async () => {
      await qmp.execute('transaction', {
        actions: disks.flatMap(({ planned, disk }): Action[] => [
          ...newSegment(plan, planned, disk),
          ...mergeInto(
            plan,
            planned,
            disk.node,
            planned.merge.filter((name) => records(disk, name)),
          ),
        ]),
      });
      // Sent in one go, for the guest stands still; QEMU runs them in this order.
      const sent = disks.flatMap(({ planned, disk }) => insertFilter(qmp, plan, planned, disk));
      await allDone(sent);
    });
  },

  async startCopy(context) {
    const { qmp, plan, places } = context;
    const state = await readVmState(qmp);
    expectNone(state, plan, ['t', 'j', 'k']);
    expectAll(state, plan, 'a');
    for (const planned of plan.disks) {
      const disk = plannedDisk(state, planned);
      if (disk.top !== ourName(plan.backupId, planned.index, 'f'))
        throw new LeftoversError(
          `disk ${planned.device}: its filter is gone, and the instant with it`,
        );
      // The filter has its own copy of this bitmap since the instant.
      const temporary = temporaryBitmapName(plan.backupId, planned.index);
      if (disk.bitmaps.some(({ name }) => name === temporary))
        await qmp.execute('block-dirty-bitmap-remove', { node: disk.node, name: temporary });
    }
    for (const { index } of plan.disks) {
      const name = ourName(plan.backupId, index, 't');
      const socket = placeOf(places, index).targetSocket;
      // No reconnect: a receiver that dies must fail the job at once.
      await attachTarget(context, { name, socket, reconnectSeconds: 0 });
    }
    await qmp.execute('transaction', {
      actions: plan.disks.flatMap((planned) => copyActions(plan, planned)),
    });
  },

  watch: watchJobs,
};

/** Opens the scratch of every disk; with a disk below it where `backed` says so. */
export async function addScratches(
  { qmp, plan, places }: CaptureContext,
  backed: (planned: DiskPlan) => string | undefined = () => undefined,
): Promise<void> {
  for (const planned of plan.disks) {
    const { scratchPath: path, scratchLimitBytes: limitBytes } = placeOf(places, planned.index);
    const nodeName = ourName(plan.backupId, planned.index, 's');
    const backing = backed(planned);
    const offloads = mayOffload(qmp);
    await qmp.execute(
      'blockdev-add',
      scratchNode({ nodeName, path, limitBytes, backing, offloads }),
    );
  }
}

/** All that can be merged before the guest is frozen: a chain of segments takes time that grows with the disk. */
export async function mergeRestingSegments({ qmp, plan }: CaptureContext): Promise<void> {
  const state = await readVmState(qmp);
  for (const planned of plan.disks) {
    if (planned.kind === 'full') continue;
    const disk = plannedDisk(state, planned);
    const resting = planned.merge.filter((name) => !records(disk, name));
    await qmp.execute('transaction', {
      actions: [
        temporaryBitmap(plan, planned, disk.node),
        ...mergeInto(plan, planned, disk.node, resting),
      ],
    });
  }
}

/** The filters and the last merge name these: a bitmap that was not just seen is never named. */
function expectTemporaryBitmaps(plan: BackupPlan, disks: readonly PlannedDisk[]): void {
  for (const { planned, disk } of disks) {
    const name = temporaryBitmapName(plan.backupId, planned.index);
    if (planned.kind !== 'full' && !disk.bitmaps.some((bitmap) => bitmap.name === name))
      throw new LeftoversError(`${name}: it is not in the VM any more; starting anew`);
  }
}

function copyActions(plan: BackupPlan, planned: DiskPlan): Action[] {
  const source = ourName(plan.backupId, planned.index, 'a');
  const job = copyJob(plan, planned, source);
  if (planned.kind === 'full') return [job];
  return [
    temporaryBitmap(plan, planned, source),
    ...mergeInto(plan, planned, source, planned.merge),
    job,
  ];
}

function records(disk: Disk, bitmap: string): boolean {
  return disk.bitmaps.some(({ name, recording }) => name === bitmap && recording);
}

/** Unwritten data would be flushed by `stop`, with the guest paused: 244 ms for 512 MiB. */
async function flush(qmp: QmpClient, disk: Disk): Promise<void> {
  await qmp.execute('human-monitor-command', {
    'command-line': `qemu-io -d ${disk.qdev} flush`,
  });
}
