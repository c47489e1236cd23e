import { ApplicationFailure, CancellationScope, condition, setHandler } from '@temporalio/workflow';
import { LeftoversError } from '../capture/errors.ts';
import type { InstantRecord } from '../model/instant.ts';
import type { SnapshotOutcome, SnapshotRequest, SnapshotResult } from '../model/snapshot.ts';
import { messageOf } from './anew.ts';
import { takeInstantAtRest } from './at-rest.ts';
import { beginRun } from './begin-run.ts';
import type { Report } from './report.ts';
import { statusQuery } from './signals.ts';
import { locateVm, stepsOn, type Steps } from './steps.ts';

/**
 * Takes an external snapshot of all disks of one VM while it runs: of one instant, or not at all. Once the disks have
 * gone over to their overlays the way is forward, whatever fails or is cancelled: what is seen in QEMU decides.
 * Workflow id: `backup/<vm>`, so that Temporal lets only one backup or snapshot run at a time.
 */
export async function snapshotVm(request: SnapshotRequest): Promise<SnapshotResult> {
  const { backupId, runId, report, isAbandoned, isHostLost } = beginRun(request);
  setHandler(statusQuery, () => report.status);

  const { vm, host, taskQueue, maxFreezeSeconds, indexed } = await locateVm(request);
  report.located(host, indexed);
  const steps = stepsOn(taskQueue, maxFreezeSeconds);

  const warnings: string[] = [];
  let instant: InstantRecord | undefined;
  let failure: unknown;
  try {
    const plan = await steps.planSnapshot({ request, backupId, runId });
    warnings.push(...plan.warnings);
    report.plannedSnapshot();
    await steps.prepareSnapshot(plan);
    instant = await takeInstantAtRest(
      { ...steps, takeInstant: () => steps.takeSnapshot(plan) },
      plan,
      report,
      isHostLost,
    );
    report.caught(instant);
  } catch (error) {
    failure = error;
    warnings.push(`the snapshot did not go through undisturbed: ${messageOf(error)}`);
  }
  const outcome = await settled(steps, { vm, backupId, runId }, report, isAbandoned);
  if (!outcome?.taken) throw failure ?? notTaken(vm);
  report.ended('done');
  return {
    vm,
    snapshotId: backupId,
    consistency: instant?.consistency ?? 'crash',
    ...(instant && { takenAt: instant.takenAt }),
    frozenMs: instant?.frozenMs ?? 0,
    warnings: [...warnings, ...(instant?.warnings ?? []), ...outcome.troubles],
    disks: outcome.disks,
  };
}

/** Abandoned after it was taken, or undone by somebody. */
function notTaken(vm: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `${vm}: whether the snapshot is there is not known: look at the images of the VM`,
    LeftoversError.name,
  );
}

/** Undone or taken: waits for the host as long as it takes, unless an operator says that it is lost. */
async function settled(
  steps: Steps,
  which: Parameters<Steps['settleSnapshot']>[0],
  report: Report,
  abandoned: () => boolean,
): Promise<SnapshotOutcome | undefined> {
  return CancellationScope.nonCancellable(async () => {
    report.enter('committing');
    const settling = CancellationScope.cancellable(() => steps.settleSnapshot(which));
    const outcome = await Promise.race([settling, condition(abandoned)]);
    if (!outcome) report.ended('not-undone', 'Abandoned: the host settles it with its next sweep.');
    else if (!outcome.taken) report.ended('rolled-back', outcome.troubles.join('\n'));
    return outcome || undefined;
  });
}
