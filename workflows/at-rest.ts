import { CancellationScope } from '@temporalio/workflow';
import type { Freeze, Instant, InstantRecord, Thaw } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { Report } from './report.ts';
import type { Steps } from './steps.ts';

/**
 * Freezes the guest, takes the instant and makes sure that the guest is thawed, whatever happens between: not as one
 * undo among others, but at once, and not cancellable. The guard has thawed it long before if all went well.
 */
export async function takeInstantAtRest(
  steps: Steps,
  plan: BackupPlan,
  report: Report,
): Promise<InstantRecord> {
  let thaw: Thaw;
  let freeze: Freeze;
  let instant: Instant;
  try {
    report.enter('freezing');
    freeze = await steps.freezeGuest(plan);
    report.enter('instant');
    instant = await steps.takeInstant(plan);
  } finally {
    report.enter('thawing');
    thaw = await CancellationScope.nonCancellable(() => steps.thawGuest(plan));
  }
  return {
    takenAt: instant.takenAt,
    consistency: freeze.frozen && instant.held && thaw.held ? 'filesystem' : 'crash',
    frozenMs: Math.round(thaw.frozenMs * 10) / 10,
    pausedMs: instant.pausedMs,
    warnings: freeze.trouble === undefined ? [] : [freeze.trouble],
  };
}
