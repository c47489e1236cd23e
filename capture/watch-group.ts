import { ourName } from '../model/names.ts';
import type { BackupPlan } from '../model/plan.ts';
import { BlockJobError } from '../qemu/errors.ts';
import type { QmpEvent } from '../qemu/qmp/events.ts';
import { ourJobs } from './await-jobs.ts';
import { JobErrors, Retries } from './halted-jobs.ts';
import { letHolderGo } from './holder.ts';
import { passesOf, progressOf } from './passes.ts';
import type { Watch } from './ports.ts';
import { restSeconds, setSpeed } from './set-speed.ts';
import { isCopied, markCopied, markSpent } from './spent.ts';
import { StallClock } from './stall-clock.ts';
import type { Job } from './vm-state.ts';
import { lookAtHalted } from './watch.ts';

/**
 * Follows a group of jobs until all have ended, and reports how far it is. A job of this QEMU is gone when it has ended,
 * so that it ended well only its event tells: one that nobody has seen is a failure. When all seem to be through, the
 * segments are noted to be spent and the holder is let go. May be called again by anyone.
 */
export const watchGroup: Watch = async (
  { qmp, plan, signal, makeDurable },
  onLook,
  wishedSpeed = async () => undefined,
) => {
  const stall = new StallClock(plan.targetStallSeconds);
  const ends = new Ends();
  let isDurable = false;
  const seen = { errors: new JobErrors(), retries: new Retries() };
  const planned = { silentSeconds: restSeconds(plan.maxBytesPerSecond ?? 0) };
  const unlisten = qmp.listen((event) => {
    ends.hear(event);
    seen.errors.see(event);
  });
  try {
    if (await isCopied(qmp, plan)) return undefined;
    for await (const jobs of ourJobs(qmp, { everyMs: 1_000, signal })) {
      const passes = passesOf(plan, jobs);
      const { found, missing } = passes.first;
      for (const name of missing)
        if (!ends.well(name)) throw new BlockJobError(name, ends.how(name));
      if (found.length === 0) break;
      const progress = progressOf(passes, plan);
      // What the guest writes is copied and counted beside what has to be.
      await onLook({ ...progress, percent: Math.min(100, progress.percent) });
      const speed = await wishedSpeed();
      const { silentSeconds } = speed === undefined ? planned : await setSpeed(qmp, plan, speed);
      const halt = await lookAtHalted(qmp, plan, passes, seen);
      if (halt) return halt;
      stall.see(progress.doneBytes);
      stall.expectSilence(silentSeconds);
      if (isHeld(plan, jobs) && found.every(seemsThrough)) {
        if (isDurable) {
          await markSpent(qmp, plan);
          await letHolderGo(qmp, plan);
        } else {
          // A target that is lost shows here at the latest, while the segments are still whole. It may take minutes, and
          // what was seen before is then no reason to spend anything: everything is looked at once more.
          const begun = performance.now();
          await makeDurable();
          stall.expectSilence((performance.now() - begun) / 1_000);
          isDurable = true;
        }
      }
    }
    await markCopied(qmp, plan);
    return undefined;
  } finally {
    unlisten();
  }
};

/** How jobs ended that were seen to end. */
class Ends {
  readonly #seen = new Map<string, string>();

  hear({ event, data }: QmpEvent): void {
    const { device, error } = data;
    if (event === 'BLOCK_JOB_CANCELLED') this.#seen.set(String(device), 'was cancelled');
    if (event === 'BLOCK_JOB_COMPLETED')
      this.#seen.set(String(device), typeof error === 'string' ? error : '');
  }

  well(job: string): boolean {
    return this.#seen.get(job) === '';
  }

  how(job: string): string {
    return this.#seen.get(job) ?? 'is not in the VM any more, and nobody has seen how it ended';
  }
}

/** All that it had to copy is counted, and maybe more: it is through, or nearly. */
function seemsThrough(job: Job): boolean {
  return job['current-progress'] >= job['total-progress'];
}

function isHeld({ backupId }: BackupPlan, jobs: readonly Job[]): boolean {
  return jobs.some(({ id, status }) => id === ourName(backupId, 0, 'h') && status === 'paused');
}
