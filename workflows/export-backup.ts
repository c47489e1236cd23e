import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  setHandler,
} from '@temporalio/workflow';
import { ExportExpiredError } from '../activities/errors.ts';
import { ExportLostError } from '../capture/errors.ts';
import type { ExportRequest, ExportResult, ServedDisk } from '../model/export.ts';
import type { InstantRecord } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import { untilItHolds } from './anew.ts';
import { takeInstantAtRest } from './at-rest.ts';
import { beginRun } from './begin-run.ts';
import { Consumer } from './consumer.ts';
import { Saga } from './saga.ts';
import { exportStatusQuery } from './signals.ts';
import { locateExport, stepsOn, type Steps } from './steps.ts';
import { undo } from './undo.ts';
import { unless } from './unless.ts';

/**
 * Serves all disks of one VM as they were at one instant, until their consumer says that it has everything (`complete`:
 * a later export tells what has changed since then) or gives up (`discard`). Whatever else ends it undoes it.
 * Workflow id: `export/<vm>`.
 */
export async function exportBackup(request: ExportRequest): Promise<ExportResult> {
  const { backupId, runId, report, isAbandoned, isHostLost } = beginRun(request);
  const consumer = new Consumer();
  let served: readonly ServedDisk[] = [];
  let servedUntil: string | undefined;
  setHandler(exportStatusQuery, () => ({
    ...report.status,
    served,
    ...(servedUntil !== undefined && { servedUntil }),
  }));

  const { vm, host, taskQueue, maxFreezeSeconds, indexed, parsed, exportSeconds } =
    await locateExport(request);
  report.located(host, indexed);
  const steps = stepsOn(taskQueue, maxFreezeSeconds);
  const saga = new Saga();
  saga.onFailure(() => undo(steps, { vm, backupId, runId }, report, isAbandoned));

  const run = async (): Promise<ExportResult> => {
    const plan = await steps.planExport({ request: parsed, backupId, runId });
    report.planned(plan, 'serving');
    const instant = await untilItHolds(async (before) => {
      report.enter('preparing', before);
      await steps.prepareExport(plan);
      const instant = await takeInstantAtRest(steps, plan, report, isHostLost);
      report.caught(instant);
      served = await steps.startExport(plan);
      return instant;
    });
    report.enter('serving', told(served));
    servedUntil = new Date(Date.now() + exportSeconds * 1000).toISOString();
    try {
      await untilDecided(steps, plan, consumer, exportSeconds);
    } finally {
      servedUntil = undefined;
      served = [];
    }
    if (consumer.decision === 'discard') {
      const which = { vm, backupId, runId };
      await CancellationScope.nonCancellable(() => undo(steps, which, report, isAbandoned));
      return discarded(plan, instant);
    }
    report.enter('closing');
    await steps.closeExport(plan);

    // What was read is exact: from here the way is forward.
    return CancellationScope.nonCancellable(async () => {
      report.enter('committing');
      await unless(isHostLost, steps.commitBackup(plan));
      report.enter('publishing');
      const result = await unless(isHostLost, steps.publishExport({ plan, instant, runId }));
      report.ended('done');
      return result;
    });
  };

  try {
    return await consumer.answeredBy(saga.run(run));
  } finally {
    // Whoever decided hears what came of it.
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }
}

/** Looks after the export until its consumer decides. An end of any other kind is a failure. */
async function untilDecided(
  steps: Steps,
  plan: BackupPlan,
  consumer: Consumer,
  exportSeconds: number,
): Promise<void> {
  const watching = new CancellationScope();
  const watch = watching.run(() => steps.watchExport(plan));
  // After the decision nobody asks how it ended.
  watch.catch(() => undefined);
  try {
    const ended = watch.then(() => 'lost' as const);
    ended.catch(() => undefined);
    const decided = condition(() => consumer.decision !== undefined, `${exportSeconds} seconds`);
    consumer.open();
    const end = await Promise.race([ended, decided]);
    if (end === 'lost' && consumer.decision === undefined)
      throw ApplicationFailure.create({
        message: `${plan.vm}: somebody has taken the exports away; start a new export`,
        type: ExportLostError.name,
      });
    if (!end)
      throw ApplicationFailure.create({
        message: `${plan.vm}: neither completed nor discarded within ${exportSeconds} s (exportSeconds)`,
        type: ExportExpiredError.name,
      });
  } finally {
    consumer.close();
    watching.cancel();
  }
}

function told(served: readonly ServedDisk[]): string {
  return served
    .map(({ device, uri, context }) => {
      return `- **${device}**: \`${uri}\`${context === null ? '' : `, \`${context}\``}`;
    })
    .join('\n');
}

function discarded(plan: BackupPlan, instant: InstantRecord): ExportResult {
  const { vm, backupId, kind, parent, disks } = plan;
  const { consistency, frozenMs, pausedMs } = instant;
  return {
    vm,
    backupId,
    outcome: 'discarded',
    kind,
    parent,
    consistency,
    frozenMs,
    pausedMs,
    warnings: [...plan.warnings, ...instant.warnings],
    disks: disks.map(({ device, kind, reason, parent }) => ({ device, kind, reason, parent })),
  };
}
