import type { Shield } from '../model/choices.ts';
import type { Progress } from '../model/instant.ts';
import { ourName } from '../model/names.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { BlockJobError } from '../qemu/errors.ts';
import { ourJobs } from './await-jobs.ts';
import { secondPassJob } from './copy-jobs.ts';
import { StallClock } from './stall-clock.ts';
import type { Job } from './vm-state.ts';

/**
 * Follows the copy until the last job of every disk waits in `pending`, and reports how far it is. Below QEMU 10.0 it
 * finalizes the first pass and starts the second. May be called again by anyone: all it knows it reads from the jobs.
 * `onLook` may end it by throwing. A failed or vanished job is a `BlockJobError`, a target without progress for too
 * long a `TargetStalledError`.
 */
export async function watchJobs(
  { qmp, plan, signal }: { qmp: QmpClient; plan: BackupPlan; signal: AbortSignal },
  onLook: (progress: Progress) => Promise<void>,
): Promise<void> {
  const stall = new StallClock(plan.targetStallSeconds);
  for await (const jobs of ourJobs(qmp, { everyMs: 1_000, signal })) {
    const first = jobsOf(plan, jobs, 'j');
    const second = jobsOf(plan, jobs, 'k');
    const progress = progressOf(first.found, second.found, plan);
    await onLook(progress);
    stall.see(progress.doneBytes);

    const last = plan.secondPass && plan.shield === 'fleece' ? second : first;
    refuseBroken(first, second.found.length > 0 || last === second, plan.shield);
    if (last.missing.length === 0 && last.found.every(({ status }) => status === 'pending')) return;
    if (last !== second) continue;
    if (second.found.length > 0) refuseBroken(second, false, plan.shield);
    else await moveOn(qmp, plan, first.found);
  }
}

type Pass = { readonly found: Job[]; readonly missing: string[] };

function jobsOf(plan: BackupPlan, jobs: readonly Job[], role: 'j' | 'k'): Pass {
  const names = plan.disks.map(({ index }) => ourName(plan.backupId, index, role));
  return {
    found: jobs.filter(({ id }) => names.includes(id)),
    missing: names.filter((name) => !jobs.some(({ id }) => id === name)),
  };
}

/** A snapshot that breaks for want of room answers "Permission denied", which tells nobody. */
const scratchHint =
  'a copy ends like this too when its scratch is full: then raise scratchBytes, or back up when the guest writes less';

/** A job that ended by itself has failed, or somebody cancelled it. Where the pass may be through, its end is fine. */
function refuseBroken({ found, missing }: Pass, mayBeThrough: boolean, shield: Shield): void {
  for (const { id, status, error } of found) {
    if (error !== undefined)
      throw new BlockJobError(id, shield === 'fleece' ? `${error} (${scratchHint})` : error);
    if (status === 'aborting' || status === 'null' || (status === 'concluded' && !mayBeThrough))
      throw new BlockJobError(id, 'ended before the copy was complete');
  }
  const gone = missing[0];
  if (gone !== undefined) throw new BlockJobError(gone, 'is not in the VM any more');
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

/** Bytes of both passes; a second pass that is still to come counts nothing. */
function progressOf(first: readonly Job[], second: readonly Job[], plan: BackupPlan): Progress {
  const all = [...first, ...second];
  const doneBytes = sum(all.map((job) => job['current-progress']));
  const totalBytes = sum(all.map((job) => job['total-progress']));
  const halfway = plan.secondPass && second.length === 0 ? 99 : 100;
  const percent = totalBytes === 0 ? halfway : Math.floor((halfway * doneBytes) / totalBytes);
  return { doneBytes, totalBytes, percent };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
