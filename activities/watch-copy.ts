import { allDone } from '../capture/all-done.ts';
import { TargetLostError } from '../capture/errors.ts';
import { captureFor } from '../capture/capture-for.ts';
import { requireGuard } from '../host/guard/require-guard.ts';
import { hasSinks } from '../host/receivers.ts';
import { wishedSpeed } from '../host/speed-wish.ts';
import type { Halt } from '../model/halt.ts';
import type { Progress } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import { flushReceiver } from '../qemu/receiver/flush-receiver.ts';
import type { HostDependencies } from './dependencies.ts';
import { flushDeadlineMs, readUnwrittenBytes } from './flush-deadline.ts';
import { atStep, placesOf, withCapture, type VmSite } from './vm-site.ts';

/**
 * Waits until every disk's copy is complete and durable: a job that waits in `pending` is not, for the receiver holds
 * metadata in memory, so a second client flushes each. May be called again after a death: it finds its jobs. Without a
 * shield the copy is only as long as its guard lives, and as no sink has taken the place of a target. Returns earlier,
 * with what it is, when the copy stands still and its error is one that an operator is to answer.
 */
export async function watchCopy(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<Halt | undefined> {
  return atStep(dependencies, plan, signal, async (site) => {
    let copiedBytes = 0;
    const makeDurable = async () => flushTargets(site, plan, copiedBytes);
    const halt = await withCapture(site, plan, (context) =>
      captureFor(plan).watch(
        { ...context, makeDurable },
        async (progress) => {
          copiedBytes = progress.doneBytes;
          onProgress(progress);
          if (plan.shield === 'none')
            await requireGuard(site.paths, plan.vm, plan.backupId, signal);
        },
        async () => wishedSpeed(site.paths, plan.vm, plan.backupId),
      ),
    );
    if (halt) return halt;
    await makeDurable();
    return undefined;
  });
}

async function flushTargets(site: VmSite, plan: BackupPlan, copiedBytes: number): Promise<void> {
  const deadlineMs = flushDeadlineMs(
    { stallSeconds: plan.targetStallSeconds, copiedBytes },
    await readUnwrittenBytes(),
  );
  const flushes = placesOf(site, plan).map(({ targetSocket }) =>
    flushTarget(site, targetSocket, deadlineMs),
  );
  await allDone(flushes);
  if (await hasSinks(site.paths, plan.vm))
    throw new TargetLostError(
      `${plan.vm}: a receiver died under the copy, and what came after is in no target; look at the repository`,
    );
}

async function flushTarget({ signal }: VmSite, socket: string, deadlineMs: number): Promise<void> {
  await flushReceiver(socket, deadlineMs, { signal }).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new TargetLostError(
      `${socket}: the receiver does not flush the target; look at the repository, or raise targetStallSeconds`,
      { cause },
    );
  });
}
