import { CancelledFailure, condition } from '@temporalio/workflow';

/**
 * Waits for a step on a host that may be gone for good, as long as nobody gives it up: `CancelledFailure` when `lost`
 * says so.
 */
export async function unless<T>(lost: () => boolean, step: Promise<T>): Promise<T> {
  const givenUp = condition(lost).then(() => {
    throw new CancelledFailure('the host was given up');
  });
  return Promise.race([step, givenUp]);
}
