import { ActivityFailure, ApplicationFailure, isCancellation } from '@temporalio/workflow';
import { permanent } from './permanent-errors.ts';

/** Whether a failed instant is worth a fresh start: not a cancel, and not what would fail the same way again. */
export function worthStartingAnew(failure: unknown): boolean {
  if (isCancellation(failure)) return false;
  const cause = failure instanceof ActivityFailure ? failure.cause : failure;
  if (cause instanceof ApplicationFailure) return !permanent.includes(cause.type ?? '');
  return failure instanceof ActivityFailure;
}

/** What a failure says, from the innermost cause that says something. */
export function messageOf(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  return failure.cause instanceof Error ? messageOf(failure.cause) : failure.message;
}
