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

/** Waits until a copy job of ours is at work, and kills the worker then; a new one is started at once. */
export async function killWorkerMidCopy(stage: Stage): Promise<void> {
  for (;;) {
    const jobs = await stage.machine.labQmp.execute('query-jobs', {});
    if (
      jobs.some(
        ({ id, status }) => id.startsWith('sp-') && id.endsWith('j') && status === 'running',
      )
    )
      break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await stage.product.killWorker();
  say('worker killed with SIGKILL in the middle of the copy; starting it again');
  await stage.product.restartWorker();
  say('the new worker has found the copy');
}
