import { mergeInto, newSegment, plannedDisk, type Action } from './bitmap-actions.ts';
import { expectTemporaryBitmaps, records } from './fleece.ts';
import { holdingJob } from './held-by-job.ts';
import type { Capture } from './ports.ts';
import { prepareExports, startExports } from './serve.ts';
import { expectAll, expectNone } from './traces.ts';
import { readVmState } from './vm-state.ts';
import { watchCarrying } from './watch-carrying.ts';

/**
 * Fleecing for QEMU 5.2 to 7.0, which have no filter to put above a disk: a job of `sync: none` keeps what the guest
 * overwrites in a local scratch, an overlay of the disk, and QEMU serves that to us over NBD. We carry it to the receivers, since no
 * second job may read what the first one writes. The guest never waits for the target. A scratch that is full would fail
 * its writes, so each has room for the whole disk.
 */
export const fleeceJob: Capture = {
  async prepare(context) {
    const { places, receivers, exportSocket } = context;
    for (const { targetSocket } of places) await receivers.probe(targetSocket);
    await prepareExports(context, { path: exportSocket });
  },

  async takeInstant({ qmp, plan }) {
    const state = await readVmState(qmp);
    expectNone(state, plan, ['f', 'b', 'j']);
    expectAll(state, plan, 's');
    const disks = plan.disks.map((planned) => ({ planned, disk: plannedDisk(state, planned) }));
    expectTemporaryBitmaps(plan, disks);
    await qmp.execute('transaction', {
      actions: disks.flatMap(({ planned, disk }): Action[] => [
        ...newSegment(plan, planned, disk),
        ...mergeInto(
          plan,
          planned,
          disk.node,
          planned.kind === 'full' ? [] : planned.merge.filter((name) => records(disk, name)),
        ),
        holdingJob(plan, planned),
      ]),
    });
    return { takenAt: new Date().toISOString(), pausedMs: 0 };
  },

  startCopy: startExports,

  watch: watchCarrying,
};
