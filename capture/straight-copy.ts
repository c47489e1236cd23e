import { ourName } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import { plannedDisk, segmentAndChanges, type Action } from './bitmap-actions.ts';
import { attachTarget, placeOf } from './block-nodes.ts';
import type { Capture } from './ports.ts';
import { expectAll, expectNone } from './traces.ts';
import { readVmState } from './vm-state.ts';
import { watchJobs } from './watch.ts';

/**
 * The copy straight from the disk: the instant is the start of the jobs. A slow target can slow the guest here, and a full
 * one pauses it: the guard lives through the whole copy. `jobFor` is a disk's job, `reconnectSeconds` how long a guest
 * write waits for a receiver that died, until a sink takes its place; 0 where QEMU knows no waiting.
 */
export function straightCopy({
  jobFor,
  reconnectSeconds,
}: {
  readonly jobFor: (plan: BackupPlan, disk: DiskPlan, source: string) => Action;
  readonly reconnectSeconds: number;
}): Capture {
  return {
    async prepare(context) {
      const { plan, places } = context;
      for (const { index } of plan.disks)
        await attachTarget(context, {
          name: ourName(plan.backupId, index, 't'),
          socket: placeOf(places, index).targetSocket,
          reconnectSeconds,
        });
    },

    async takeInstant({ qmp, plan }) {
      const state = await readVmState(qmp);
      expectNone(state, plan, ['f', 'a', 'j', 'k']);
      expectAll(state, plan, 't');
      const actions = plan.disks.flatMap((planned): Action[] => {
        const disk = plannedDisk(state, planned);
        return [...segmentAndChanges(plan, planned, disk), jobFor(plan, planned, disk.node)];
      });
      await qmp.execute('transaction', { actions });
      return { takenAt: new Date().toISOString(), pausedMs: 0 };
    },

    async startCopy({ qmp, plan }) {
      expectAll(await readVmState(qmp), plan, 'j');
    },

    watch: watchJobs,
  };
}
