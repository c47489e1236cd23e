import type { Halt } from '../model/halt.ts';
import type { Progress } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { ourJobs } from './await-jobs.ts';
import { secondPassJob } from './copy-jobs.ts';
import {
  haltedJobs,
  haltOf,
  isIgnored,
  JobErrors,
  mayHalt,
  refuseHalted,
  Retries,
} from './halted-jobs.ts';
import { passesOf, progressOf, refuseBroken, type Passes } from './passes.ts';
import { restSeconds, setSpeed } from './set-speed.ts';
import { StallClock } from './stall-clock.ts';
import type { Job } from './vm-state.ts';

type Watched = {
  readonly qmp: QmpClient;
  readonly plan: BackupPlan;
  readonly signal: AbortSignal;
};

/**
 * Follows the copy until the last job of every disk waits in `pending` (undefined), or until one stands still and an
 * operator has to say what is to become of it, and reports how far it is. Below QEMU 10.0 it finalizes the first pass and
 * starts the second. May be called again by anyone: all it knows it reads from the jobs. `onLook` may end it by throwing.
 * `wishedSpeed` is asked at each look, and the jobs of both passes are made to go so fast.
 * A failed or vanished job is a `BlockJobError`, a target without progress for too long a `TargetStalledError`.
 */
export async function watchJobs(
  { qmp, plan, signal }: Watched,
  onLook: (progress: Progress) => Promise<void>,
  wishedSpeed: () => Promise<number | undefined> = async () => undefined,
): Promise<Halt | undefined> {
  const planned = { silentSeconds: restSeconds(plan.maxBytesPerSecond ?? 0) };
  const stall = new StallClock(plan.targetStallSeconds);
  const seen = { errors: new JobErrors(), retries: new Retries() };
  const unlisten = qmp.listen((event) => seen.errors.see(event));
  try {
    for await (const jobs of ourJobs(qmp, { everyMs: 1_000, signal })) {
      const passes = passesOf(plan, jobs);
      const { first, second, last } = passes;
      const progress = progressOf(passes, plan);
      await onLook(progress);
      const speed = await wishedSpeed();
      const { silentSeconds } = speed === undefined ? planned : await setSpeed(qmp, plan, speed);
      const halt = await lookAtHalted(qmp, plan, passes, seen);
      if (halt) return halt;
      stall.see(progress.doneBytes);
      stall.expectSilence(silentSeconds);

      refuseBroken(passes, plan.shield);
      if (last.missing.length === 0 && last.found.every(({ status }) => status === 'pending'))
        return undefined;
      if (last === second && second.found.length === 0) await moveOn(qmp, plan, first.found);
    }
    return undefined;
  } finally {
    unlisten();
  }
}

/** Resumes what stands still for an error that is to be ignored, and tells of any other; what is not to wait at it has failed. */
export async function lookAtHalted(
  qmp: QmpClient,
  plan: BackupPlan,
  passes: Passes,
  { errors, retries }: { readonly errors: JobErrors; readonly retries: Retries },
): Promise<Halt | undefined> {
  if (!mayHalt(plan)) return undefined;
  const halted = await haltedJobs(qmp, plan);
  refuseHalted(plan, halted);
  const grave = halted.filter((job) => !isIgnored(plan, job, errors));
  if (grave.length > 0) return haltOf(plan, passes, grave, errors);
  await retries.resume(qmp, halted);
  return undefined;
}

/** From the first pass to the second: all first jobs are finalized, and when they have concluded, the second start together. */
async function moveOn(qmp: QmpClient, plan: BackupPlan, first: readonly Job[]): Promise<void> {
  if (first.every(({ status }) => status === 'concluded')) {
    await qmp.execute('transaction', {
      actions: plan.disks.map((disk) => secondPassJob(plan, disk)),
    });
    return;
  }
  if (!first.every(({ status }) => status === 'pending' || status === 'concluded')) return;
  for (const { id, status } of first)
    if (status === 'pending') await qmp.execute('job-finalize', { id });
}
