import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { statePaths } from '../host/state-paths.ts';
import { removeFile } from '../files/durable.ts';
import { setSpeed } from '../lab/copy-jobs.ts';
import { buildSite, untilJob, type Site } from './site.ts';

const MiB = 1024 ** 2;
const lookMs = 50;

/**
 * Kills the worker in the middle of a copy, with SIGKILL, and starts another: how long until the copy is watched again,
 * from the start of the new process. Without the token that the dead one left, Temporal waits for a heartbeat's time-out.
 */
export async function benchWatchedAgain(): Promise<string[]> {
  const withToken = await watchedAgainMs(true);
  const without = await watchedAgainMs(false);
  return [
    'worker killed with SIGKILL in the middle of a copy, and another started at once: the copy is watched again',
    `  with the token left    ${withToken.toFixed(0)} ms${withToken > 5_000 ? '  (bar: 5000 ms)' : ''}`,
    `  without                ${without.toFixed(0)} ms${without > 30_000 ? '  (bar: 30000 ms)' : ''}`,
  ];
}

async function watchedAgainMs(token: boolean): Promise<number> {
  await using site = await buildSite({ disks: [{ virtualBytes: 256 * MiB }] });
  const { machine, product } = site;
  const device = machine.device(machine.disk());
  for (let at = 0; at < 128 * MiB; at += 32 * MiB)
    await device.write(1 + at / MiB, { offset: at, bytes: 32 * MiB });

  const slowed = untilJob(site, 'created').then(async (id) => {
    await setSpeed(machine.labQmp, [id], '4M');
    return id;
  });
  const backup = site.backUp({ kind: 'full' });
  const job = await slowed;
  // A heartbeat that tells of the copy: the worker has been at it for a while.
  await untilWatched(site, ({ progress }) => progress !== undefined);
  await product.killWorker();
  if (!token) await forgetTokens(site);
  const start = performance.now();
  const ready = product.restartWorker();
  await untilWatched(site, ({ step }) => (step?.attempt ?? 0) > 1);
  const tookMs = performance.now() - start;
  await ready;
  await setSpeed(machine.labQmp, [job], '0');
  await backup;
  return tookMs;
}

type Seen = NonNullable<Awaited<ReturnType<Site['status']>>>;

/** Resolves when Temporal says that of the attempt to watch the copy that runs. */
async function untilWatched(site: Site, says: (seen: Seen) => boolean): Promise<void> {
  for (;;) {
    const seen = await site.status();
    if (seen?.closedAt !== undefined)
      throw new Error('the copy was through before it was looked at');
    const runs = seen?.step?.activity === 'watchCopy' && seen.step.state === 'running';
    if (runs && says(seen)) return;
    await delay(lookMs);
  }
}

async function forgetTokens({ product }: Site): Promise<void> {
  const { folder } = statePaths(product.state).vm('vm');
  const tokens = (await readdir(folder)).filter((name) => name.startsWith('token-'));
  if (tokens.length === 0) throw new Error('the worker had left no token');
  for (const name of tokens) await removeFile(join(folder, name));
}
