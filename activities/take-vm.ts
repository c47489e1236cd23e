import { acquireLock, readLock, releaseLock, type Lock } from '../host/lock.ts';
import { VmBusyError } from '../host/errors.ts';
import { settleLease } from '../host/lease.ts';
import type { HostDependencies } from './dependencies.ts';
import { RequestError } from './errors.ts';
import { openKnownRepository } from './known-repository.ts';
import { releaseVm, type Released } from './release-vm.ts';
import { atVm, reachOf, servedVm, type VmSite } from './vm-site.ts';
import { refuseWrongVm } from './wrong-vm.ts';

/** Who takes a VM: a backup or a snapshot, and the workflow that makes it. */
type Taker = { readonly backupId: string; readonly workflowId: string; readonly runId: string };

/**
 * Takes the VM's lock, sweeps what dead runs left, and runs `work`. May be called again. Another backup that still runs
 * is a `VmBusyError`.
 */
export async function takeVm<T>(
  dependencies: HostDependencies,
  vm: string,
  taker: Taker,
  signal: AbortSignal,
  work: (site: VmSite, released: Released) => Promise<T>,
): Promise<T> {
  const { backupId, runId } = taker;
  if (!runId.endsWith(backupId.slice(-4)))
    throw new RequestError(`backup id ${backupId} is not of run ${runId}`);
  // Asked before the mutex, which a backup that is copying holds.
  servedVm(dependencies, vm);
  await refuseIfBusy(dependencies, vm, runId);
  return atVm(dependencies, vm, signal, async (site) => {
    await takeLock(dependencies, vm, taker);
    // The guest first: what follows may wait for the repository. What cannot be settled yet the clean-up tells.
    await settleLease(site.paths, vm, reachOf(site)).catch(() => undefined);
    await openKnownRepository(site);
    await refuseWrongVm(site);
    return work(site, await releaseVm(site));
  });
}

/** The lock outlives a worker, so a holder may be dead: Temporal knows. Its leftovers are swept right after. */
async function takeLock(dependencies: HostDependencies, vm: string, holder: Taker): Promise<void> {
  const held = await refuseIfBusy(dependencies, vm, holder.runId);
  if (held) await releaseLock(dependencies.paths, vm, held.backupId);
  await acquireLock(dependencies.paths, vm, holder);
}

/** A `VmBusyError` while another backup runs. The lock of another one that does not run any more, if there is one. */
async function refuseIfBusy(
  { paths, isRunning }: HostDependencies,
  vm: string,
  runId: string,
): Promise<Lock | undefined> {
  const held = await readLock(paths, vm);
  if (!held || held.runId === runId) return undefined;
  if (await isRunning(held)) throw new VmBusyError(vm, held);
  return held;
}
