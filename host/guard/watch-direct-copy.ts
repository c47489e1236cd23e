import { setTimeout as delay } from 'node:timers/promises';
import { deadReceivers } from '../receivers.ts';
import { isRefused } from '../is-refused.ts';
import { messageOf } from './log.ts';
import { workingJobs } from './our-jobs.ts';
import { endDirectCopy, freeFromIoError, type Ward } from './release.ts';

const lookMs = 1_000;
const goneMs = 30_000;

/**
 * Watches over a copy that runs without a shield, worker or no worker: when a failed write has paused the VM, or a
 * receiver has died under the guest's writes, the copy is given up and the guest goes on. `onBroken` is told why.
 * Resolves when `signal` aborts, or when QEMU has gone.
 */
export async function watchDirectCopy(
  ward: Ward,
  signal: AbortSignal,
  onBroken: (reason: string) => void,
): Promise<void> {
  let wake = new AbortController();
  // The event only wakes: what is done is decided by what QEMU says when asked.
  ward.link.listen(({ event }) => {
    if (event === 'STOP') wake.abort();
  });
  let broken = false;
  for (let goneSince = Infinity; !signal.aborted;) {
    wake = new AbortController();
    try {
      const reason = await look(ward, broken);
      if (reason !== undefined) onBroken(reason);
      broken ||= reason !== undefined;
      goneSince = Infinity;
    } catch (error) {
      ward.log(`cannot watch: ${messageOf(error)}`);
      goneSince = isRefused(error) ? Math.min(goneSince, performance.now()) : Infinity;
      if (performance.now() - goneSince > goneMs) return;
    }
    const woken = AbortSignal.any([wake.signal, signal]);
    await delay(lookMs, undefined, { signal: woken }).catch(() => undefined);
  }
}

async function look(ward: Ward, broken: boolean): Promise<string | undefined> {
  const { config, paths, link } = ward;
  const qmp = await link.client();
  if (await freeFromIoError(ward)) return 'io-error: a write failed because of the copy';
  if ((await workingJobs(qmp, config.backupId)).length === 0) return undefined;
  // A copy that was given up is cancelled until it has ended: QEMU may have been too busy to answer.
  if (broken) {
    await endDirectCopy(ward);
    return undefined;
  }
  const dead = await deadReceivers(paths, config.vm, config.disks);
  if (dead.length === 0) return undefined;
  await endDirectCopy(ward);
  return `the receiver of disk ${dead.map(({ index }) => index).join(', ')} died`;
}
