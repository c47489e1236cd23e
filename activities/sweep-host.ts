import { readLock, releaseLock } from '../host/lock.ts';
import { MutexTimeoutError } from '../host/errors.ts';
import { settleDeadGuard } from '../host/lease.ts';
import type { HostDependencies } from './dependencies.ts';
import { releaseVm } from './release-vm.ts';
import { atVm, servedVms } from './vm-site.ts';

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
  for (const vm of servedVms(dependencies)) {
    if (signal.aborted) return;
    await sweepVm(dependencies, vm, signal, listener).catch((error: unknown) => {
      if (!(error instanceof MutexTimeoutError) && !signal.aborted) listener.trouble(vm, error);
    });
  }
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
      // The guest first: this needs no answer from Temporal.
      await settleDeadGuard(paths, site.config);
      const lock = await readLock(paths, vm);
      if (lock && (await isRunning(lock))) return;
      const { troubles } = await releaseVm(site);
      for (const text of troubles) listener.trouble(vm, text);
      if (!lock) return;
      await releaseLock(paths, vm, lock.backupId);
      listener.done(vm, `backup ${lock.backupId}, whose workflow has ended`);
    },
    patienceMs,
  );
}
