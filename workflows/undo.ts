import { CancellationScope, condition } from '@temporalio/workflow';
import { messageOf } from './anew.ts';
import type { Report } from './report.ts';
import type { Steps } from './steps.ts';

const sweepFollows = 'the host cleans up with its next sweep, when it can.';

/** Waits for the rollback as long as it takes, unless an operator says that the host is lost. Never fails. */
export async function undo(
  steps: Steps,
  which: { vm: string; backupId: string; runId: string },
  report: Report,
  abandoned: () => boolean,
): Promise<void> {
  report.enter('rolling-back');
  const rollback = CancellationScope.cancellable(() => steps.rollbackBackup(which));
  try {
    const outcome = await Promise.race([rollback, condition(abandoned)]);
    if (outcome) report.ended('rolled-back', outcome.troubles.join('\n'));
    else report.ended('not-undone', `Abandoned: ${sweepFollows}`);
  } catch (failure) {
    // What is thrown is why the backup failed, not this.
    report.ended('not-undone', `${messageOf(failure)}: ${sweepFollows}`);
  }
}
