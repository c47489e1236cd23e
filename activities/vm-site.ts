import { UnknownVmError } from '../inventory/errors.ts';
import type { Reach } from '../host/lease.ts';
import { requireLock } from '../host/lock.ts';
import { withVmMutex } from '../host/mutex.ts';
import type { StatePaths } from '../host/state-paths.ts';
import { connectVm as connectHostVm } from '../host/vm-socket.ts';
import { isHeldByJob } from '../capture/held-by-job.ts';
import type { CaptureContext, DiskPlace, Receivers } from '../capture/ports.ts';
import { vmConfig, type VmConfig } from '../model/vm-config.ts';
import type { BackupPlan } from '../model/plan.ts';
import { wholeScratchBytes } from '../qemu/images/create-scratch.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import type { Repository } from '../repository/repository.ts';
import type { HostDependencies } from './dependencies.ts';
import { receiversOf } from './receivers-of.ts';

/** How long an attempt waits for another one on the same VM to end: a cancelled one needs a moment. */
const mutexMs = 30_000;

/** One VM as an activity sees it: its settings and what belongs to it on this host. */
export type VmSite = {
  readonly config: VmConfig;
  /** All other VMs that this host serves. */
  readonly others: readonly VmConfig[];
  readonly paths: StatePaths;
  readonly repository: Repository;
  readonly receivers: Receivers;
  readonly signal: AbortSignal;
};

/** The settings of a VM that this host serves. Any other is an `UnknownVmError`: an input names a VM, never a path. */
export function servedVm(dependencies: HostDependencies, vm: string): VmConfig {
  const { inventory, inventoryFile, hostName } = dependencies;
  const config = vmConfig(inventory, vm, hostName);
  if (config && config.host === (inventory.host ?? hostName)) return config;
  throw new UnknownVmError(inventoryFile, vm, servedVms(dependencies));
}

/** The names of all VMs that this host serves. */
export function servedVms({ inventory, hostName }: HostDependencies): string[] {
  const here = inventory.host ?? hostName;
  return Object.keys(inventory.vms).filter(
    (vm) => vmConfig(inventory, vm, hostName)?.host === here,
  );
}

/** Runs `work` as the only one that touches the VM on this host. The mutex is the kernel's: it ends with the process. */
export async function atVm<T>(
  dependencies: HostDependencies,
  vm: string,
  signal: AbortSignal,
  work: (site: VmSite) => Promise<T>,
  timeoutMs: number = mutexMs,
): Promise<T> {
  const config = servedVm(dependencies, vm);
  const { paths } = dependencies;
  const site: VmSite = {
    config,
    others: servedVms(dependencies)
      .filter((other) => other !== vm)
      .map((other) => servedVm(dependencies, other)),
    paths,
    repository: dependencies.repository(config.repository),
    receivers: receiversOf(paths, vm),
    signal,
  };
  return withVmMutex(paths, vm, { signal, timeoutMs }, () => work(site));
}

/**
 * `atVm` for a step of a backup: the lock must name this backup (`LockLostError`), so that a late or reset attempt of
 * a finished one touches nothing.
 */
export async function atStep<T>(
  dependencies: HostDependencies,
  { vm, backupId }: { vm: string; backupId: string },
  signal: AbortSignal,
  work: (site: VmSite) => Promise<T>,
): Promise<T> {
  return atVm(dependencies, vm, signal, async (site) => {
    await requireLock(site.paths, vm, backupId);
    return work(site);
  });
}

/** Connects to the VM: through its guard where one lives, for QEMU serves one client on each socket. */
export async function connectVm({ paths, config, signal }: VmSite): Promise<QmpClient> {
  return connectHostVm(paths, config.vm, config.qmp, signal);
}

/** Where the VM and its agent are, for whoever settles a lease. */
export function reachOf({ config, signal }: VmSite): Reach {
  return { qmp: config.qmp, agent: config.agent, signal };
}

/** Where each disk of the plan has its target's socket and its scratch. */
export function placesOf({ paths, config }: VmSite, plan: BackupPlan): DiskPlace[] {
  const own = paths.vm(config.vm);
  return plan.disks.map(({ index, virtualBytes }) => ({
    targetSocket: own.targetSocket(index),
    scratchPath: own.scratchImage(index),
    scratchLimitBytes: isHeldByJob(plan) ? wholeScratchBytes(virtualBytes) : config.scratchBytes,
  }));
}

/** What capture needs for a step. */
export function captureContext(site: VmSite, plan: BackupPlan, qmp: QmpClient): CaptureContext {
  const { receivers, signal, paths } = site;
  const exportSocket = paths.vm(plan.vm).nbdSocket;
  return { qmp, plan, receivers, signal, exportSocket, places: placesOf(site, plan) };
}

/** Runs a capture step over a connection that ends with it. */
export async function withCapture<T>(
  site: VmSite,
  plan: BackupPlan,
  work: (context: CaptureContext) => Promise<T>,
): Promise<T> {
  await using qmp = await connectVm(site);
  return await work(captureContext(site, plan, qmp));
}
