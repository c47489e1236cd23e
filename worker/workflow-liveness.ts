import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Lock } from '../host/lock.ts';

/**
 * Whether the workflow that holds a lock still runs. A reset gives it another run id but keeps the first one, so a
 * running workflow of the same id is the holder only if it descends from the lock's run.
 */
export async function isRunning(
  client: Client,
  { workflowId, runId }: Pick<Lock, 'workflowId' | 'runId'>,
): Promise<boolean> {
  try {
    const { status, raw } = await client.workflow.getHandle(workflowId).describe();
    const first = raw.workflowExecutionInfo?.firstRunId;
    return (
      status.name === 'RUNNING' &&
      (first === runId || raw.workflowExecutionInfo?.execution?.runId === runId)
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
