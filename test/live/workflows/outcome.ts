import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';

/** How a backup that brings no result ends, and the class of the error that was the cause. */
export type Outcome = { readonly status: string; readonly error: string };

/** Waits for the end of a backup that fails or is cancelled. */
export async function outcomeOf(backup: WorkflowHandle): Promise<Outcome> {
  try {
    await backup.result();
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { status } = await backup.describe();
    return { status: status.name, error: nameOf(error) };
  }
  return { status: 'COMPLETED', error: 'none' };
}

function nameOf(error: Error): string {
  if (error.cause instanceof Error) return nameOf(error.cause);
  return error instanceof ApplicationFailure ? (error.type ?? '') : error.name;
}
