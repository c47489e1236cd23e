import { plannedDisk, segmentAndChanges, type Action } from './bitmap-actions.ts';
import { holdingJob } from './held-by-job.ts';
import type { Capture } from './ports.ts';
import { prepareExports, startExports } from './serve.ts';
import { expectAll, expectNone } from './traces.ts';
import { readVmState } from './vm-state.ts';
import { watchCarrying } from './watch-carrying.ts';

/**
 * Fleecing for QEMU 4.0 to 7.0, which have no filter to put above a disk: a job of `sync: none` keeps what the guest
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
    await qmp.execute('transaction', {
      actions: plan.disks.flatMap((planned): Action[] => {
        const disk = plannedDisk(state, planned);
        return [...segmentAndChanges(plan, planned, disk), holdingJob(plan, planned)];
      }),
    });
    return { takenAt: new Date().toISOString(), pausedMs: 0 };
  },

  startCopy: startExports,

  watch: watchCarrying,
};
