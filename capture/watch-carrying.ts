import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import { carry, type Load } from './carry.ts';
import { expectHeld } from './held-by-job.ts';
import type { Watch } from './ports.ts';
import { restSeconds } from './set-speed.ts';
import { StallClock } from './stall-clock.ts';

const lookMs = 1_000;

/**
 * Carries every disk to its target, and looks after it as `watchJobs` does after jobs. When its caller dies the carrying
 * ends with it; whoever calls next begins it anew.
 */
export const watchCarrying: Watch = async (
  context,
  onLook,
  wishedSpeed = async () => undefined,
) => {
  const { qmp, plan, signal } = context;
  const through = new AbortController();
  const both = AbortSignal.any([signal, through.signal]);
  // Every piece under way listens.
  setMaxListeners(0, both);
  const loads = plan.disks.map((disk) => ({ disk, ...newLoad(plan, disk) }));
  const stall = new StallClock(plan.targetStallSeconds);
  const look = async () => {
    const progress = progressOf(plan, loads);
    await onLook(progress);
    const speed = await wishedSpeed();
    if (speed !== undefined) for (const load of loads) load.bytesPerSecond = speed;
    stall.expectSilence(restSeconds(speed ?? plan.maxBytesPerSecond ?? 0));
    stall.see(progress.doneBytes);
    await expectHeld(qmp, plan);
  };
  const carried = Promise.all(
    loads.map((load) => carry({ ...context, signal: both }, load.disk, load)),
  );
  const watched = (async () => {
    while (!through.signal.aborted) {
      await look();
      await delay(lookMs, undefined, { signal: both }).catch(() => signal.throwIfAborted());
    }
  })();
  try {
    await Promise.race([carried, watched]);
    await look();
    return undefined;
  } finally {
    through.abort();
    await Promise.allSettled([carried, watched]);
  }
};

/** How much it is shows only at the end. */
function newLoad({ maxBytesPerSecond = 0 }: BackupPlan, { expectedBytes }: DiskPlan): Load {
  return { doneBytes: 0, totalBytes: expectedBytes, bytesPerSecond: maxBytesPerSecond };
}

function progressOf(plan: BackupPlan, loads: readonly Load[]) {
  const sum = (of: (load: Load) => number) => loads.reduce((total, load) => total + of(load), 0);
  const doneBytes = sum((load) => load.doneBytes);
  const totalBytes = sum((load) => Math.max(load.totalBytes, load.doneBytes));
  const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes);
  return { doneBytes, totalBytes, percent };
}
