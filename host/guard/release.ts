import { setTimeout as delay } from 'node:timers/promises';
import { endReceivers, substituteDeadReceivers } from '../receivers.ts';
import type { StatePaths } from '../state-paths.ts';
import { clearStopLease, hasStopLease, standsStill, writeStopLease } from '../stop-lease.ts';
import type { GuardConfig } from './config.ts';
import { isRefused } from '../is-refused.ts';
import { messageOf, type Log } from './log.ts';
import { cancelJobs, liveJobs, troublingJobs } from './our-jobs.ts';
import type { QmpLink } from './qmp-link.ts';

const commandMs = 3_000;
const cancelMs = 2_000;
const retryMs = 200;
/** A socket that has refused for so long has no QEMU behind it any more. */
const goneMs = 30_000;

/** What the guard works on. */
export type Ward = {
  readonly config: GuardConfig;
  readonly paths: StatePaths;
  readonly link: QmpLink;
  readonly log: Log;
};

/**
 * Frees the VM at the deadline: nothing of ours may hold its writes or its monitor, and if we stopped it, it runs on.
 * Tries until it has happened; gives up only when QEMU itself has gone. Takes no filter out. May run again.
 */
export async function freeVm(ward: Ward): Promise<void> {
  const { config, paths, log } = ward;
  if (config.shield === 'none') await freeFromIoError(ward);
  const jobsEnded = config.shield === 'fleece' || (await endDirectCopy(ward));
  // A receiver that goes before its job would take the guest's writes with it.
  if (jobsEnded)
    await endReceivers(paths, config.vm).catch((error: unknown) => log(messageOf(error)));
  await continueVm(ward);
}

/**
 * Lets the VM run if our stop lease is there, or if the pause is `known` to be ours, and removes the lease. A VM that its
 * operator paused stays paused.
 */
export async function continueVm({ config, paths, link, log }: Ward, known = false): Promise<void> {
  for (let goneSince = Infinity; !link.closed;) {
    try {
      if (!known && !(await hasStopLease(paths, config.vm))) return;
      const qmp = await link.client();
      const { status } = await qmp.execute('query-status', {}, { timeoutMs: commandMs });
      if (await standsStill(qmp, status)) {
        await qmp.execute('cont', {}, { timeoutMs: commandMs });
        log('continued the VM');
      }
      await clearStopLease(paths, config.vm);
      return;
    } catch (error) {
      log(`the VM is not known to run: ${messageOf(error)}`);
      goneSince = isRefused(error) ? Math.min(goneSince, performance.now()) : Infinity;
      // The lease stays for whoever settles it, should QEMU live after all.
      if (performance.now() - goneSince > goneMs) return;
      await delay(retryMs);
    }
  }
}

/**
 * Ends a copy that runs without a shield, and no write of the guest may fail: QEMU fails those that wait for a receiver
 * when that is gone and the job is cancelled. So a missing receiver is substituted first, and one that does not answer
 * is replaced after. Tells whether all have ended.
 */
export async function endDirectCopy(ward: Ward): Promise<boolean> {
  const { vm, disks } = ward.config;
  if (await haveJobsEnded(ward)) return true;
  try {
    await substituteDeadReceivers(ward.paths, vm, disks);
    if (await areJobsCancelled(ward)) return true;
    await endReceivers(ward.paths, vm);
    await substituteDeadReceivers(ward.paths, vm, disks);
  } catch (error) {
    ward.log(`a receiver cannot be replaced: ${messageOf(error)}`);
  }
  return areJobsCancelled(ward);
}

async function haveJobsEnded({ config, link, log }: Ward): Promise<boolean> {
  try {
    return (await liveJobs(await link.client(), config.backupId)).length === 0;
  } catch (error) {
    log(`the jobs are not known: ${messageOf(error)}`);
    return isRefused(error);
  }
}

async function areJobsCancelled({ config, link, log }: Ward): Promise<boolean> {
  try {
    const ended = await cancelJobs(await link.client(), config.backupId, cancelMs);
    if (!ended) log('the jobs do not end');
    return ended;
  } catch (error) {
    log(`the jobs cannot be cancelled: ${messageOf(error)}`);
    return false;
  }
}

/** Lets a VM run on that stands still because of a write that our copy made fail. Tells whether it was so. */
export async function freeFromIoError(ward: Ward): Promise<boolean> {
  try {
    const qmp = await ward.link.client();
    const { status } = await qmp.execute('query-status', {}, { timeoutMs: commandMs });
    if (status !== 'io-error') return false;
    // Without a job of ours at work the guest's own disk is in trouble, and the pause is not ours to end.
    if ((await troublingJobs(qmp, ward.config.backupId)).length === 0) return false;
    ward.log('a write failed because of the copy');
    // Once the jobs are gone nothing else tells that this pause was ours. A full state folder is no reason to leave it.
    await writeStopLease(ward.paths, ward.config.vm, ward.config.backupId).catch((error: unknown) =>
      ward.log(`no lease on the pause: ${messageOf(error)}`),
    );
    await endDirectCopy(ward);
    await continueVm(ward, true);
    return true;
  } catch (error) {
    ward.log(`the VM's state is not known: ${messageOf(error)}`);
    return false;
  }
}
