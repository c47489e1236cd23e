import { Context } from '@temporalio/activity';
import type { ExportResult, ServedDisk } from '../model/export.ts';
import type { Instant, Progress, Thaw } from '../model/instant.ts';
import { BackupPlan } from '../model/plan.ts';
import type { BackupResult } from '../model/result.ts';
import { GuestPlan, SnapshotPlan, type SnapshotOutcome } from '../model/snapshot.ts';
import { carryTrackingOver } from './carry-over.ts';
import { closeExport } from './close-export.ts';
import { commitBackup } from './commit-backup.ts';
import type { HostDependencies } from './dependencies.ts';
import { freezeGuest } from './freeze-guest.ts';
import { parseInput } from './parse-input.ts';
import { planBackup, PlanInput } from './plan-backup.ts';
import { planExport } from './plan-export.ts';
import { prepareExport } from './prepare-export.ts';
import { planSnapshot, PlanSnapshotInput } from './plan-snapshot.ts';
import { prepareSnapshot } from './prepare-snapshot.ts';
import { prepareTargets } from './prepare-targets.ts';
import { publishBackup, PublishInput } from './publish-backup.ts';
import { publishExport } from './publish-export.ts';
import { resumeCopy, ResumeInput } from './resume-copy.ts';
import { rollbackBackup, RollbackInput } from './rollback-backup.ts';
import { running } from './running.ts';
import { BandwidthInput, setBandwidth } from './set-bandwidth.ts';
import { settleSnapshot } from './settle-snapshot.ts';
import { startCopy } from './start-copy.ts';
import { startExport } from './start-export.ts';
import { takeInstant } from './take-instant.ts';
import { takeSnapshot } from './take-snapshot.ts';
import { thawGuest } from './thaw-guest.ts';
import { watchCopy } from './watch-copy.ts';
import { watchExport } from './watch-export.ts';
import { watchHalt } from './watch-halt.ts';

type Watch<T> = (
  on: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
  beat: (progress: Progress) => void,
) => Promise<T>;

/**
 * The activities of a host's queue, bound to what they need. Each checks its input before anything else: it comes over
 * the network, and what it names reaches QEMU and the file system.
 */
export function createHostActivities(dependencies: HostDependencies) {
  /** A step whose only input is the plan. */
  const planned =
    <T>(step: (on: HostDependencies, plan: BackupPlan, signal: AbortSignal) => Promise<T>) =>
    async (plan: BackupPlan): Promise<T> => {
      const checked = parseInput(BackupPlan, step.name, plan);
      return running(dependencies, checked.vm, (signal) => step(dependencies, checked, signal));
    };
  /** The same, for one that tells on the way how far the copy is. */
  const watching =
    <T>(step: Watch<T>) =>
    async (plan: BackupPlan): Promise<T> => {
      const checked = parseInput(BackupPlan, step.name, plan);
      return running(dependencies, checked.vm, (signal, beat) =>
        step(dependencies, checked, signal, beat),
      );
    };
  /** The same of what may be a backup or a snapshot. */
  const guarded =
    <T>(step: (on: HostDependencies, plan: GuestPlan, signal: AbortSignal) => Promise<T>) =>
    async (plan: GuestPlan): Promise<T> => {
      const checked = parseInput(GuestPlan, step.name, plan);
      return running(dependencies, checked.vm, (signal) => step(dependencies, checked, signal));
    };
  const ofSnapshot =
    <T>(step: (on: HostDependencies, plan: SnapshotPlan, signal: AbortSignal) => Promise<T>) =>
    async (plan: SnapshotPlan): Promise<T> => {
      const checked = parseInput(SnapshotPlan, step.name, plan);
      return running(dependencies, checked.vm, (signal) => step(dependencies, checked, signal));
    };
  const workflowId = () => Context.current().info.workflowExecution?.workflowId ?? '';

  return {
    planBackup: async (input: PlanInput): Promise<BackupPlan> => {
      const checked = parseInput(PlanInput, 'planBackup', input);
      return running(dependencies, checked.request.vm, (signal) =>
        planBackup(dependencies, { ...checked, workflowId: workflowId() }, signal),
      );
    },
    carryTrackingOver: async (plan: BackupPlan): Promise<{ troubles: string[] }> => {
      const checked = parseInput(BackupPlan, 'carryTrackingOver', plan);
      return running(dependencies, checked.vm, (signal, beat) =>
        carryTrackingOver(dependencies, checked, signal, beat),
      );
    },
    prepareTargets: planned(prepareTargets),
    freezeGuest: guarded(freezeGuest),
    takeInstant: planned<Instant>(takeInstant),
    thawGuest: guarded<Thaw>(thawGuest),
    startCopy: planned(startCopy),
    watchCopy: watching(watchCopy),
    watchHalt: watching(watchHalt),
    resumeCopy: async (input: ResumeInput): Promise<void> => {
      const checked = parseInput(ResumeInput, 'resumeCopy', input);
      return running(dependencies, checked.plan.vm, (signal) =>
        resumeCopy(dependencies, checked, signal),
      );
    },
    setBandwidth: async (input: BandwidthInput): Promise<void> => {
      const checked = parseInput(BandwidthInput, 'setBandwidth', input);
      return running(dependencies, checked.vm, () => setBandwidth(dependencies, checked));
    },
    commitBackup: planned(commitBackup),
    publishBackup: async (input: PublishInput): Promise<BackupResult> => {
      const checked = parseInput(PublishInput, 'publishBackup', input);
      return running(dependencies, checked.plan.vm, (signal) =>
        publishBackup(dependencies, { ...checked, workflowId: workflowId() }, signal),
      );
    },
    planExport: async (input: PlanInput): Promise<BackupPlan> => {
      const checked = parseInput(PlanInput, 'planExport', input);
      return running(dependencies, checked.request.vm, (signal) =>
        planExport(dependencies, { ...checked, workflowId: workflowId() }, signal),
      );
    },
    prepareExport: planned(prepareExport),
    startExport: planned<ServedDisk[]>(startExport),
    watchExport: planned(watchExport),
    closeExport: planned(closeExport),
    publishExport: async (input: PublishInput): Promise<ExportResult> => {
      const checked = parseInput(PublishInput, 'publishExport', input);
      return running(dependencies, checked.plan.vm, (signal) =>
        publishExport(dependencies, { ...checked, workflowId: workflowId() }, signal),
      );
    },
    rollbackBackup: async (input: RollbackInput): Promise<{ troubles: string[] }> => {
      const checked = parseInput(RollbackInput, 'rollbackBackup', input);
      return running(dependencies, checked.vm, (signal) =>
        rollbackBackup(dependencies, checked, signal),
      );
    },
    planSnapshot: async (input: PlanSnapshotInput): Promise<SnapshotPlan> => {
      const checked = parseInput(PlanSnapshotInput, 'planSnapshot', input);
      return running(dependencies, checked.request.vm, (signal) =>
        planSnapshot(dependencies, { ...checked, workflowId: workflowId() }, signal),
      );
    },
    prepareSnapshot: ofSnapshot(prepareSnapshot),
    takeSnapshot: ofSnapshot<Instant>(takeSnapshot),
    settleSnapshot: async (input: RollbackInput): Promise<SnapshotOutcome> => {
      const checked = parseInput(RollbackInput, 'settleSnapshot', input);
      return running(dependencies, checked.vm, (signal) =>
        settleSnapshot(dependencies, checked, signal),
      );
    },
  };
}

export type HostActivities = ReturnType<typeof createHostActivities>;
