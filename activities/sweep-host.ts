import { readLock, releaseLock } from '../host/lock.ts';
import { MutexTimeoutError } from '../host/errors.ts';
import { readFreezeRecord } from '../host/freeze-record.ts';
import { findGuard } from '../host/guard/find-guard.ts';
import { settleLease } from '../host/lease.ts';
import { hasStopLease } from '../host/stop-lease.ts';
import type { StatePaths } from '../host/state-paths.ts';
import type { HostDependencies } from './dependencies.ts';
import { releaseVm } from './release-vm.ts';
import { atVm, reachOf, servedVms, type VmSite } from './vm-site.ts';

/** Who hears what a sweep did. */
export type SweepListener = {
  done(vm: string, what: string): void;
  trouble(vm: string, error: unknown): void;
};

/** A VM at which an activity is at work needs no sweep. */
const patienceMs = 100;

/**
 * Goes over every VM of this host and frees it of what dead runs left: a guest that a dead guard left frozen or
 * stopped, a lock whose workflow Temporal says is closed, and all that such a run had in the VM and on the host. A VM
 * whose backup runs is left alone but for the first. May run at any time, also beside backups.
 */
export async function sweepHost(
  dependencies: HostDependencies,
  signal: AbortSignal,
  listener: SweepListener,
): Promise<void> {
  // All guests first: what follows may wait for the repository of one VM, which may hang.
  for (const part of [letGuestGo, sweepVm])
    for (const vm of servedVms(dependencies)) {
      if (signal.aborted) return;
      await part(dependencies, vm, signal, listener).catch((error: unknown) => {
        if (!(error instanceof MutexTimeoutError) && !signal.aborted) listener.trouble(vm, error);
      });
    }
}

/** Lets a guest go that a dead guard has left frozen or stopped. This needs no answer from Temporal. */
async function letGuestGo(
  dependencies: HostDependencies,
  vm: string,
  signal: AbortSignal,
): Promise<void> {
  const { paths } = dependencies;
  if (!(await isForsaken(paths, vm))) return;
  const settle = async (site: VmSite) => {
    if (await isForsaken(paths, vm)) await settleLease(paths, vm, reachOf(site));
  };
  await atVm(dependencies, vm, signal, settle, patienceMs);
}

async function sweepVm(
  dependencies: HostDependencies,
  vm: string,
  signal: AbortSignal,
  listener: SweepListener,
): Promise<void> {
  const { paths, isRunning } = dependencies;
  await atVm(
    dependencies,
    vm,
    signal,
    async (site) => {
      const lock = await readLock(paths, vm);
      if (lock && (await isRunning(lock))) return;
      const { troubles } = await releaseVm(site);
      // Without a lock nothing is owed: a repository that is not there yet, or not mounted, is the next backup's matter.
      if (!lock) return;
      for (const text of troubles) listener.trouble(vm, text);
      await releaseLock(paths, vm, lock.backupId);
      listener.done(vm, `backup ${lock.backupId}, whose workflow has ended`);
    },
    patienceMs,
  );
}

/** Whether a guest may be frozen or stopped by us with no guard left to let it go. */
async function isForsaken(paths: StatePaths, vm: string): Promise<boolean> {
  const held =
    (await hasStopLease(paths, vm)) ||
    ((await readFreezeRecord(paths, vm))?.state ?? 'thawed') !== 'thawed';
  return held && (await findGuard(paths, vm)) === undefined;
}
