import { copyJobs, setSpeed } from '../lab/copy-jobs.ts';
import type { RequestedKind } from '../model/choices.ts';
import type { BackupResult } from '../model/result.ts';
import { say } from './say.ts';
import { vm, type Stage } from './stage.ts';

/** A backup of the demonstration, and the copies of the disks that were made at its instant. */
export type Act = {
  readonly title: string;
  readonly result: BackupResult;
  readonly seconds: number;
  /** The disks at the instant, by their names, in their own format. */
  readonly held: ReadonlyMap<string, string>;
  /** Paused time less what the copying of the disks for the comparison took. */
  readonly pausedMs: number;
};

/** Takes one backup; `meanwhile` runs while it does. */
export async function backUp(
  stage: Stage,
  { title, kind }: { title: string; kind: RequestedKind },
  meanwhile: () => Promise<void> = async () => {},
): Promise<Act> {
  say(`${title}: starting`);
  const start = performance.now();
  const backup = await stage.client.startBackup({ vm, kind });
  const [result] = await Promise.all([backup.result(), meanwhile()]);
  const seconds = (performance.now() - start) / 1_000;
  const copy = stage.tap.copies.at(-1);
  if (!copy) throw new Error('the disks were not copied at the instant');
  say(`${title}: backup ${result.backupId} is complete after ${seconds.toFixed(1)} s`);
  const pausedMs = Math.max(0, result.pausedMs - copy.heldMs);
  return { title, result, seconds, held: copy.files, pausedMs };
}

/**
 * Kills the worker in the middle of the copy and starts a new one at once. The copy begins slowly for it: so small a one
 * has hardly a middle. Tells whether the copy went on with the jobs that ran.
 */
export async function killWorkerMidCopy(stage: Stage): Promise<void> {
  stage.tap.copySpeed = 8 * 1024 ** 2;
  const jobs = await untilFound(() => copyJobs(stage.machine.labQmp));
  await untilFound(async () => {
    const step = (await stage.client.getStatus(vm))?.step;
    return step?.activity === 'watchCopy' && step.state === 'running' ? [step] : [];
  });
  await stage.product.killWorker();
  say('worker killed with SIGKILL in the middle of the copy; starting another');
  await stage.product.restartWorker();
  const still = await copyJobs(stage.machine.labQmp);
  say(`the new worker goes on with the same QEMU jobs: ${still.join(', ')}`);
  if (still.join() !== jobs.join()) throw new Error('the copy was begun anew');
  stage.tap.copySpeed = undefined;
  await setSpeed(stage.machine.labQmp, still, '0');
}

async function untilFound<T>(look: () => Promise<T[]>): Promise<T[]> {
  for (;;) {
    const found = await look();
    if (found.length > 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
