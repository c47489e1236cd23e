import { ApplicationFailure, type Client } from '@temporalio/client';
import type { HostDependencies } from '../activities/dependencies.ts';
import { servedVms } from '../activities/vm-site.ts';
import { takeOrphanedTokens } from '../host/task-token.ts';
import { log } from './log.ts';

/**
 * Tells Temporal of the attempts that a dead worker of this host was at, so that they are tried again now rather than
 * after a heartbeat's time-out.
 */
export async function endOrphanedAttempts(
  client: Client,
  dependencies: HostDependencies,
): Promise<void> {
  for (const vm of servedVms(dependencies)) {
    for (const token of await takeOrphanedTokens(dependencies.paths, vm)) {
      try {
        await client.activity.fail(
          token,
          ApplicationFailure.retryable('the worker ended', 'WorkerEndedError'),
        );
        log.info('a dead worker was at an activity of this VM: it is tried again', { vm });
      } catch {
        // The attempt has ended, or its workflow has.
      }
    }
  }
}
