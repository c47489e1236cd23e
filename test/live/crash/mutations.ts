import type { FaultName } from './faults.ts';

/** One undo of the product, taken out of its build, and where that must be seen. */
export type Mutation = {
  readonly title: string;
  /** In the build: a file, what is in it, and what takes its place. */
  readonly cuts: readonly { readonly file: string; readonly from: string; readonly to: string }[];
  readonly fault: FaultName;
  readonly step: string;
  /** How often the host is swept: seldom, for what is to be seen is what comes before. */
  readonly sweepSeconds?: number;
};

const cut = (file: string, from: string, to = ';') => ({ file, from, to });
const rollback = 'activities/release-vm.js';
const takeOut = 'capture/take-out.js';

/** The undo of each step, and of each effect of it. */
export const mutations: readonly Mutation[] = [
  {
    title: 'the rollback',
    cuts: [
      cut(
        'activities/rollback-backup.js',
        'servedVm(dependencies, vm);',
        'return { troubles: [] };',
      ),
    ],
    fault: 'cancelled',
    step: 'startCopy',
  },
  {
    title: 'the lock given up',
    cuts: [cut('activities/rollback-backup.js', 'await releaseLock(site.paths, vm, backupId);')],
    fault: 'cancelled',
    step: 'prepareTargets',
  },
  {
    title: 'partial files removed',
    cuts: [cut(rollback, 'await repository.removePartial(config.vm, backupId)')],
    fault: 'cancelled',
    step: 'startCopy',
  },
  {
    title: 'receivers ended',
    cuts: [cut(takeOut, 'await receivers.end();')],
    fault: 'cancelled',
    step: 'startCopy',
  },
  {
    title: 'sockets of receivers removed',
    cuts: [cut(rollback, 'await removeReceiverFiles(paths, config.vm);')],
    fault: 'cancelled',
    step: 'startCopy',
  },
  {
    title: 'scratch removed',
    cuts: [cut(rollback, 'await removeScratch(paths, config.vm);')],
    fault: 'cancelled',
    step: 'startCopy',
  },
  {
    title: 'the guest thawed',
    cuts: [cut('host/guard/freezer.js', 'if (!this.busy)', 'if (true)')],
    fault: 'worker killed',
    step: 'takeInstant',
  },
  {
    title: 'the guest continued',
    cuts: [
      cut('host/guard/release.js', "await qmp.execute('cont', {}, { timeoutMs: commandMs });"),
      cut('host/lease.js', "await qmp.execute('cont', {}, { timeoutMs: commandMs });"),
    ],
    fault: 'worker killed',
    step: 'stopped',
  },
  {
    title: 'filters taken out',
    cuts: [cut(takeOut, 'await takeFiltersOut(qmp, state.disks, state.graph);')],
    fault: 'cancelled',
    step: 'startCopy',
  },
  {
    title: 'temporary bitmaps removed',
    cuts: [cut(takeOut, "await tolerant(qmp.execute('block-dirty-bitmap-remove', bitmap));", ';')],
    fault: 'cancelled',
    step: 'takeInstant',
  },
  {
    title: 'segments merged back',
    cuts: [cut(rollback, 'await tidySegments(qmp, (backupId) => published.has(backupId));', ';')],
    fault: 'cancelled',
    step: 'startCopy',
  },
  {
    title: 'jobs dismissed',
    cuts: [
      cut('capture/cancel-jobs.js', "await tolerant(qmp.execute('job-dismiss', { id }));", ';'),
    ],
    fault: 'cancelled',
    step: 'watchCopy',
  },
  {
    title: 'the lease settled',
    cuts: [cut(rollback, 'settleLease(paths, config.vm, reachOf(site))', 'undefined')],
    fault: 'cancelled',
    step: 'freezeGuest',
  },
  {
    title: 'the sweep',
    cuts: [cut('worker/sweep-timer.js', 'await sweepHost(', 'await (async () => {})(')],
    fault: 'terminated',
    step: 'startCopy',
    sweepSeconds: 5,
  },
];
