import { WorkflowFailedError } from '@temporalio/client';
import { BackupFailedError } from './errors.ts';
import { innermostFailure } from './innermost-failure.ts';
import type { TemporalLink } from './temporal-link.ts';

/** Waits for what a run comes to, however long it takes; one that failed is a `BackupFailedError`. */
export async function awaitResult<Result>(
  link: TemporalLink,
  vm: string,
  result: () => Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  try {
    return await link.wait(result, signal);
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    throw failureOf(vm, error);
  }
}

/** What made a run fail, by the innermost cause that Temporal tells. */
export function failureOf(vm: string, error: Error): BackupFailedError {
  const { type, message } = innermostFailure(error);
  return new BackupFailedError(vm, type, message, { cause: error });
}
