import { ApplicationFailure, type Client } from '@temporalio/client';
import type { HostDependencies } from '../activities/dependencies.ts';
import { servedVms } from '../activities/vm-site.ts';
import { takeOrphanedToken } from '../host/task-token.ts';
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
    const token = await takeOrphanedToken(dependencies.paths, vm);
    if (!token) continue;
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
