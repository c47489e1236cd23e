import { Context } from '@temporalio/activity';
import type { HostActivities } from '../../../activities/host-activities.ts';
import { PlanInput } from '../../../activities/plan-backup.ts';
import { PlanSnapshotInput } from '../../../activities/plan-snapshot.ts';
import { PublishInput } from '../../../activities/publish-backup.ts';
import { ResumeInput } from '../../../activities/resume-copy.ts';
import { RollbackInput } from '../../../activities/rollback-backup.ts';
import { BandwidthInput } from '../../../activities/set-bandwidth.ts';
import type { Instant } from '../../../model/instant.ts';
import { BackupPlan } from '../../../model/plan.ts';
import { GuestPlan, SnapshotPlan } from '../../../model/snapshot.ts';
import { planOf } from '../../repository/sample.ts';

/** One VM of the host: what a test lets its steps do, and the steps in the order in which they were begun. */
export type FakeVm = { readonly acts: HostActivities; readonly calls: string[] };

/** An instant under a freeze that held. */
export const instant: Instant = {
  takenAt: '2026-11-24T02:05:01.000Z',
  pausedMs: 3.2,
  held: true,
  freeze: { frozen: true, filesystems: 2 },
};

/** What an activity does that has no end of its own. Cancellation comes with a heartbeat's reply. */
export async function untilCancelled(): Promise<never> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), 50);
  return context.cancelled.finally(() => clearInterval(timer));
}
export const snapshotDisk = { device: 'vd0', base: '/vd0.qcow2', overlay: '/vd0.1.qcow2' };

/** Steps that all go well. */
export const goesWell: HostActivities = {
  planBackup: async ({ request, backupId }) => planOf(backupId, null, request.vm),
  carryTrackingOver: async () => ({ troubles: [] }),
  prepareTargets: async () => {},
  freezeGuest: async () => {},
  takeInstant: async () => instant,
  thawGuest: async () => ({ frozenMs: 41.5, held: true }),
  startCopy: async () => {},
  watchCopy: async () => undefined,
  watchHalt: untilCancelled,
  resumeCopy: async () => {},
  setBandwidth: async () => {},
  commitBackup: async () => {},
  publishBackup: async ({ plan, instant }) => {
    const { vm, backupId, kind, parent } = plan;
    const { consistency, frozenMs, pausedMs, frozen } = instant;
    const warnings = [...plan.warnings, ...instant.warnings];
    const disks = plan.disks.map(({ device, kind, reason }) => {
      return { device, kind, reason, bytes: 196_608, file: `${device}.qcow2` };
    });
    return { vm, backupId, kind, parent, consistency, frozenMs, pausedMs, frozen, warnings, disks };
  },
  planExport: async ({ request, backupId }) => {
    return { ...planOf(backupId, null, request.vm), served: true };
  },
  prepareExport: async () => {},
  startExport: async ({ disks }) =>
    disks.map(({ device, kind, reason, parent, virtualBytes }) => {
      const uri = `nbd+unix:///${device}?socket=/run/nbd.sock`;
      return { device, kind, reason, parent, virtualBytes, uri, context: null };
    }),
  watchExport: untilCancelled,
  closeExport: async () => {},
  publishExport: async ({ plan, instant }) => {
    const { vm, backupId, kind, parent, warnings } = plan;
    const { consistency, frozenMs, pausedMs } = instant;
    const disks = plan.disks.map(({ device, kind, reason, parent }) => {
      return { device, kind, reason, parent };
    });
    const common = { vm, backupId, kind, parent, consistency, frozenMs, pausedMs, warnings };
    return { ...common, outcome: 'completed' as const, disks };
  },
  rollbackBackup: async () => ({ troubles: [] }),
  planSnapshot: async ({ request: { vm }, backupId }) => ({
    vm,
    backupId,
    qemuVersion: '7.2.22',
    shield: 'fleece',
    quiesce: 'preferred',
    maxFreezeSeconds: 10,
    warnings: [],
    disks: [{ index: 0, device: 'vd0', node: 'vd0-node', virtualBytes: 1024 ** 3 }],
  }),
  prepareSnapshot: async () => {},
  takeSnapshot: async () => instant,
  settleSnapshot: async () => ({ taken: true, disks: [snapshotDisk], troubles: [] }),
};

/** What each step takes, as the real ones check it. */
const inputs = {
  planBackup: PlanInput,
  carryTrackingOver: BackupPlan,
  prepareTargets: BackupPlan,
  freezeGuest: GuestPlan,
  takeInstant: BackupPlan,
  thawGuest: GuestPlan,
  startCopy: BackupPlan,
  watchCopy: BackupPlan,
  watchHalt: BackupPlan,
  resumeCopy: ResumeInput,
  setBandwidth: BandwidthInput,
  commitBackup: BackupPlan,
  publishBackup: PublishInput,
  planExport: PlanInput,
  prepareExport: BackupPlan,
  startExport: BackupPlan,
  watchExport: BackupPlan,
  closeExport: BackupPlan,
  publishExport: PublishInput,
  rollbackBackup: RollbackInput,
  planSnapshot: PlanSnapshotInput,
  prepareSnapshot: SnapshotPlan,
  takeSnapshot: SnapshotPlan,
  settleSnapshot: RollbackInput,
};

/** The activities of a host's queue over VMs that are not there. What a workflow sends is checked all the same. */
export function fakeHostActivities(vms: ReadonlyMap<string, FakeVm>): HostActivities {
  const step = <Name extends keyof HostActivities>(name: Name) =>
    (async (input: never) => {
      const parsed = inputs[name].parse(input);
      const { vm } = 'request' in parsed ? parsed.request : 'plan' in parsed ? parsed.plan : parsed;
      const fake = vms.get(vm);
      if (!fake) throw new Error(`no test has a VM ${vm}`);
      fake.calls.push(name);
      return fake.acts[name](input);
    }) as HostActivities[Name];
  return {
    planBackup: step('planBackup'),
    carryTrackingOver: step('carryTrackingOver'),
    prepareTargets: step('prepareTargets'),
    freezeGuest: step('freezeGuest'),
    takeInstant: step('takeInstant'),
    thawGuest: step('thawGuest'),
    startCopy: step('startCopy'),
    watchCopy: step('watchCopy'),
    watchHalt: step('watchHalt'),
    resumeCopy: step('resumeCopy'),
    setBandwidth: step('setBandwidth'),
    commitBackup: step('commitBackup'),
    publishBackup: step('publishBackup'),
    planExport: step('planExport'),
    prepareExport: step('prepareExport'),
    startExport: step('startExport'),
    watchExport: step('watchExport'),
    closeExport: step('closeExport'),
    publishExport: step('publishExport'),
    rollbackBackup: step('rollbackBackup'),
    planSnapshot: step('planSnapshot'),
    prepareSnapshot: step('prepareSnapshot'),
    takeSnapshot: step('takeSnapshot'),
    settleSnapshot: step('settleSnapshot'),
  };
}
