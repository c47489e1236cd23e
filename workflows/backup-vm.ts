import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import type { InstantRecord } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { BackupRequest } from '../model/request.ts';
import type { BackupResult } from '../model/result.ts';
import { messageOf, untilItHolds } from './anew.ts';
import { takeInstantAtRest } from './at-rest.ts';
import { beginRun } from './begin-run.ts';
import { takeBandwidth } from './bandwidth.ts';
import { Operator } from './operator.ts';
import type { Report } from './report.ts';
import { Saga } from './saga.ts';
import { statusQuery } from './signals.ts';
import { locateVm, stepsOn, type Steps } from './steps.ts';
import { undo } from './undo.ts';
import { unless } from './unless.ts';

/**
 * Backs up one VM while it runs: all disks of one instant, or nothing. It fails only after everything is undone.
 * Workflow id: `backup/<vm>`, so that Temporal lets only one of these run at a time.
 */
export async function backupVm(request: BackupRequest): Promise<BackupResult> {
  const { backupId, runId, report, isAbandoned, isHostLost } = beginRun(request);
  setHandler(statusQuery, () => report.status);
  const operator = new Operator(report.vm, report);
  let setBandwidth: ((bytesPerSecond: number) => Promise<void>) | undefined;
  takeBandwidth(report.vm, () => setBandwidth);

  try {
    const { vm, host, taskQueue, maxFreezeSeconds, indexed, parsed } = await locateVm(request);
    report.located(host, indexed);
    const steps = stepsOn(taskQueue, maxFreezeSeconds);
    const saga = new Saga();
    saga.onFailure(() => undo(steps, { vm, backupId, runId }, report, isAbandoned));

    return await saga.run(async (): Promise<BackupResult> => {
      const plan = await decide(steps, { request: parsed, backupId, runId }, report);
      report.planned(plan);
      setBandwidth = async (bytesPerSecond) => steps.setBandwidth({ vm, backupId, bytesPerSecond });
      const instant = await startTheCopy(steps, plan, report, isHostLost);
      await operator.copy(steps, plan);

      // All data is there and flushed: from here the way is forward, unless nothing can ever be published.
      return CancellationScope.nonCancellable(async () => {
        report.enter('committing');
        await unless(isHostLost, steps.commitBackup(plan));
        report.enter('publishing');
        const result = await unless(isHostLost, steps.publishBackup({ plan, instant, runId }));
        report.ended('done');
        return result;
      });
    });
  } finally {
    // Nobody waits any more for a plan that is not to come.
    setBandwidth ??= async () => {};
    // An operator who has asked for something is answered.
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }
}

/** What to copy. Tracking that lies below somebody's snapshot is carried over first, and the rest decided anew. */
async function decide(
  steps: Steps,
  input: Parameters<Steps['planBackup']>[0],
  report: Report,
): Promise<BackupPlan> {
  const plan = await steps.planBackup(input);
  if (!plan.disks.some(({ below }) => below)) return plan;
  report.enter('following');
  const { troubles } = await steps.carryTrackingOver(plan).catch((failure: unknown) => {
    if (isCancellation(failure)) throw failure;
    return { troubles: [messageOf(failure)] };
  });
  report.enter('planning');
  return steps.planBackup({ ...input, carried: troubles.map((text) => text.slice(0, 500)) });
}

/** From the targets to running jobs. What is not resumed is begun anew, a bounded number of times. */
async function startTheCopy(
  steps: Steps,
  plan: BackupPlan,
  report: Report,
  hostLost: () => boolean,
): Promise<InstantRecord> {
  return untilItHolds(async (before) => {
    report.enter('preparing', before);
    await steps.prepareTargets(plan);
    const instant = await takeInstantAtRest(steps, plan, report, hostLost);
    report.caught(instant);
    await steps.startCopy(plan);
    return instant;
  });
}
