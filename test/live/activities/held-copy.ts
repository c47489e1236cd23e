import { watchCopy } from '../../../activities/watch-copy.ts';
import { copyJobs, setSpeed } from '../../../lab/copy-jobs.ts';
import type { InstantTap } from '../../../lab/instant-tap.ts';
import type { Rig } from '../rig/rig.ts';
import type { Halt } from '../../../model/halt.ts';
import { Way } from '../rig/way.ts';

/** A copy in its middle, watched as a worker watches it. */
export type HeldCopy = {
  readonly run: Way;
  /** The end of the watch. */
  readonly watched: Promise<Halt | undefined>;
  /** What a cancelled workflow does to its activity. */
  readonly cancel: () => void;
  /** Lets the jobs go as fast as their targets. */
  readonly letGo: () => Promise<void>;
};

/** Begins a backup and resolves in the middle of its copy: each job has written a part, and goes on slowly. */
export async function holdCopy(rig: Rig, tap: InstantTap): Promise<HeldCopy> {
  const { machine, dependencies } = rig;
  const run = new Way(rig);
  tap.copySpeed = 1024 ** 2;
  await run.until('startCopy');
  tap.copySpeed = undefined;
  const cancelled = new AbortController();
  let watched: HeldCopy['watched'] = Promise.resolve(undefined);
  const inMiddle = new Promise<void>((resolve) => {
    watched = watchCopy(dependencies, run.plan, cancelled.signal, ({ doneBytes, totalBytes }) => {
      if (doneBytes > 0 && doneBytes < totalBytes) resolve();
    });
  });
  const early = watched.then(() => {
    throw new Error('the copy was through before its middle was seen');
  });
  await Promise.race([inMiddle, early]);
  early.catch(() => undefined);
  return {
    run,
    watched,
    cancel: () => cancelled.abort(),
    letGo: async () => setSpeed(machine.labQmp, await copyJobs(machine.labQmp), '0'),
  };
}
