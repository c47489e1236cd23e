import { TargetLostError } from '../capture/errors.ts';
import { watchJobs } from '../capture/watch.ts';
import type { Progress } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import { flushReceiver } from '../qemu/receiver/flush-receiver.ts';
import type { HostDependencies } from './dependencies.ts';
import { atStep, placesOf, withCapture } from './vm-site.ts';

/**
 * Waits until every disk's copy is complete and durable: a job that waits in `pending` is not, for the receiver holds
 * metadata in memory, so a second client flushes each. May be called again after a death: it finds its jobs.
 */
export async function watchCopy(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  return atStep(dependencies, plan, signal, async (site) => {
    await withCapture(site, plan, (context) => watchJobs(context, onProgress));
    for (const { targetSocket } of placesOf(site, plan))
      await flushReceiver(targetSocket, plan.targetStallSeconds * 1_000, { signal }).catch(
        (cause: unknown) => {
          signal.throwIfAborted();
          throw new TargetLostError(
            `${targetSocket}: the receiver does not flush the target; look at the repository`,
            { cause },
          );
        },
      );
  });
}
