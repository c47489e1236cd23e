import { ourName, temporaryBitmapName } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import { scratchNode } from '../qemu/images/create-scratch.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import {
  mergeInto,
  newSegment,
  plannedDisk,
  temporaryBitmap,
  type Action,
} from './bitmap-actions.ts';
import { attachTarget, placeOf, proveTargets, targetNode } from './block-nodes.ts';
import { copyJob } from './copy-jobs.ts';
import { LeftoversError } from './errors.ts';
import { insertFilter } from './filter.ts';
import type { Capture } from './ports.ts';
import { expectNone } from './traces.ts';
import { readVmState, type Disk } from './vm-state.ts';
import { whileStopped } from './while-stopped.ts';

/**
 * Fleecing, for QEMU 7.1 and newer: a copy-before-write filter above each disk keeps what the guest overwrites in a
 * local scratch, and the copy reads behind it. The guest never waits for the target.
 */
export const fleece: Capture = {
  async prepare(context) {
    const { qmp, plan, places } = context;
    await proveTargets(context);
    for (const { index } of plan.disks) {
      const { scratchPath: path, scratchLimitBytes: limitBytes } = placeOf(places, index);
      const nodeName = ourName(plan.backupId, index, 's');
      await qmp.execute('blockdev-add', scratchNode({ nodeName, path, limitBytes }));
    }
  },

  async takeInstant(context, lease) {
    const { qmp, plan } = context;
    const state = await readVmState(qmp);
    expectNone(state, plan, ['f', 't', 'a', 'j', 'k']);
    const disks = plan.disks.map((planned) => ({ planned, disk: plannedDisk(state, planned) }));
    // The filter copies the bitmap when it is added, so all that can be merged before the stop is merged here.
    for (const { planned, disk } of disks) {
      if (planned.kind === 'full') continue;
      const resting = planned.merge.filter((name) => !records(disk, name));
      await qmp.execute('transaction', {
        actions: [
          temporaryBitmap(plan, planned, disk.node),
          ...mergeInto(plan, planned, disk.node, resting),
        ],
      });
    }
    for (const { disk } of disks) await flush(qmp, disk);

    return await whileStopped(qmp, lease, async () => {
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
      for (const { planned, disk } of disks) await insertFilter(qmp, plan, planned, disk);
    });
  },

  async startCopy(context) {
    const { qmp, plan, places } = context;
    const state = await readVmState(qmp);
    expectNone(state, plan, ['t', 'a', 'j', 'k']);
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
      const target = ourName(plan.backupId, index, 't');
      // No reconnect: a receiver that dies must fail the job at once.
      await attachTarget(context, targetNode(target, placeOf(places, index).targetSocket, 0));
      await qmp.execute('blockdev-add', {
        driver: 'snapshot-access',
        'node-name': ourName(plan.backupId, index, 'a'),
        file: ourName(plan.backupId, index, 'f'),
      });
    }
    await qmp.execute('transaction', {
      actions: plan.disks.flatMap((planned) => copyActions(plan, planned)),
    });
  },
};

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
