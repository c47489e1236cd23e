import { ActivityFailure, ApplicationFailure, isCancellation } from '@temporalio/workflow';
import { permanent } from './permanent-errors.ts';

/** Whether a failed instant is worth a fresh start: not a cancel, and not what would fail the same way again. */
function worthStartingAnew(failure: unknown): boolean {
  if (isCancellation(failure)) return false;
  const cause = failure instanceof ActivityFailure ? failure.cause : failure;
  if (cause instanceof ApplicationFailure) return !permanent.includes(cause.type ?? '');
  return failure instanceof ActivityFailure;
}

/** How often a run starts anew when its instant did not hold. */
const maxStarts = 3;

/** Runs `start` until it holds, a bounded number of times; each is told why the one before did not. */
export async function untilItHolds<T>(start: (before: string) => Promise<T>): Promise<T> {
  let before = '';
  for (let count = 1; ; count++) {
    try {
      return await start(before);
    } catch (failure) {
      if (count === maxStarts || !worthStartingAnew(failure)) throw failure;
      before = `Start ${count} did not hold: ${messageOf(failure)}`;
    }
  }
}

/** What a failure says, from the innermost cause that says something. */
export function messageOf(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  return failure.cause instanceof Error ? messageOf(failure.cause) : failure.message;
}
