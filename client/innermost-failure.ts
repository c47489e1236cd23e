import { WorkflowFailedError } from '@temporalio/client';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TemporalFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/common';

/** What failed a workflow: the class name that Temporal recorded, and a sentence. */
export type Failure = { readonly type: string; readonly message: string };

/**
 * Unwraps what Temporal put around an error that an activity or the workflow threw. The error's own `cause` is not
 * looked at: a system error in it says less than the error that names it.
 */
export function innermostFailure(error: unknown): Failure {
  if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure)
    return timedOut(error, error.cause);
  if (
    (error instanceof WorkflowFailedError ||
      error instanceof ActivityFailure ||
      error instanceof ChildWorkflowFailure) &&
    error.cause
  )
    return innermostFailure(error.cause);
  if (error instanceof ApplicationFailure)
    return { type: error.type ?? 'ApplicationFailure', message: error.message };
  if (error instanceof CancelledFailure)
    return {
      type: 'CancelledFailure',
      message:
        'the backup was cancelled, and is undone. If it was abandoned, its host does that when it is back.',
    };
  if (error instanceof TerminatedFailure)
    return {
      type: 'TerminatedFailure',
      message:
        "the backup was terminated, so nothing is undone yet. The host's worker sweeps up within minutes, or the next backup does.",
    };
  if (error instanceof TemporalFailure || error instanceof Error)
    return { type: error.name, message: error.message };
  return { type: 'Error', message: String(error) };
}

/** A step that timed out: nobody took it, or whoever took it went silent. An error of an earlier attempt says more. */
function timedOut(activity: ActivityFailure, timeout: TimeoutFailure): Failure {
  if (timeout.cause instanceof ApplicationFailure) return innermostFailure(timeout.cause);
  const message =
    timeout.timeoutType === 'SCHEDULE_TO_START'
      ? `no worker took the step ${activity.activityType}. Is the worker of the VM's host running? \`stillpoint doctor\` tells.`
      : `the step ${activity.activityType} did not end in time (${timeout.timeoutType}). The worker's log says what it waited for.`;
  return { type: 'TimeoutFailure', message };
}
