import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { ClientError } from './errors.ts';
import type { TemporalLink } from './temporal-link.ts';
import { taskQueue } from './workflow-ids.ts';

/** A workflow to be started, and what the Web UI says of it. `busy` makes the error for one of that id that runs already. */
type Start = {
  readonly vm: string;
  readonly type: 'backupVm' | 'snapshotVm' | 'exportBackup';
  readonly workflowId: string;
  readonly request: object;
  readonly staticSummary: string;
  readonly staticDetails: string;
  readonly busy: (vm: string, workflowId: string) => ClientError;
};

/** Starts a workflow of a VM, unless one of its id runs, and tells which run it is. */
export async function startWorkflow(
  link: TemporalLink,
  { vm, type, workflowId, request, staticSummary, staticDetails, busy }: Start,
): Promise<{ vm: string; workflowId: string; runId: string }> {
  try {
    const { firstExecutionRunId: runId } = await link.call(() =>
      link.client.workflow.start(type, {
        args: [request],
        taskQueue,
        workflowId,
        workflowIdConflictPolicy: 'FAIL',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary,
        staticDetails,
      }),
    );
    return { vm, workflowId, runId };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) throw busy(vm, workflowId);
    throw error;
  }
}
