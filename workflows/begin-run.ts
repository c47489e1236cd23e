import { CancellationScope, setHandler, workflowInfo } from '@temporalio/workflow';
import { backupIdOf } from '../model/backup-id.ts';
import { Report } from './report.ts';
import { abandonSignal } from './signals.ts';

/** What every run of a VM begins with: its names, what it tells of itself, and whether its host was given up. */
export function beginRun(request: { readonly vm: string }) {
  const { startTime, originalExecutionRunId: runId } = workflowInfo();
  const backupId = backupIdOf(startTime, runId);
  const root = CancellationScope.current();
  let abandoned = false;
  setHandler(abandonSignal, () => void (abandoned = true));
  return {
    backupId,
    runId,
    // Whoever starts a workflow may leave its input out; what locates the VM is the one that says so.
    report: new Report((request as { vm?: string } | undefined | null)?.vm ?? '', backupId),
    isAbandoned: () => abandoned,
    /** Cancelled, and told that the host is gone: nothing waits for it any more. */
    isHostLost: () => abandoned && root.consideredCancelled,
  };
}
