import { takeOut } from '../capture/take-out.ts';
import { unshieldedCopy } from '../capture/unshielded-copy.ts';
import { tidySegments } from '../capture/tidy-segments.ts';
import { readVmState, type Disk } from '../capture/vm-state.ts';
import { settleLease } from '../host/lease.ts';
import { removeReceiverFiles } from '../host/receivers.ts';
import { removeScratch } from '../host/scratch.ts';
import { clearStopLease, writeStopLease } from '../host/stop-lease.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { RepositoryError } from '../repository/errors.ts';
import { RepositoryReplacedError, type WrongVmError } from './errors.ts';
import { publishedIds } from './published-ids.ts';
import { reachQemu } from './reach-qemu.ts';
import { reachOf, type VmSite } from './vm-site.ts';
import { settleOverlays } from './settle-overlays.ts';
import { atWorkFor, trackedFor } from './wrong-vm.ts';

/** What a clean-up could not do, in sentences for the operator, and the disks as they were before bitmaps were tidied. */
export type Released = {
  readonly troubles: string[];
  readonly found: readonly Disk[];
  /** Another VM's backup is at work in the machine: nothing in there was touched. */
  readonly wrong?: WrongVmError | undefined;
};

/**
 * The one clean-up: after it the guest is thawed and runs, nothing of ours but the segments of published backups is in
 * the VM, and no receiver, scratch or partial file is left. Called by the rollback, the sweep and whoever begins. May be
 * repeated at any point, and finds all it needs by name. Only under the VM's mutex, and the lock of nobody else.
 */
export async function releaseVm(site: VmSite): Promise<Released> {
  const { paths, config } = site;
  // First of all the guest, whose guard may be dead. One that cannot be thawed yet is not left with our nodes as well.
  const [lease] = await Promise.allSettled([settleLease(paths, config.vm, reachOf(site))]);
  const troubles: string[] = [];
  const { found, wrong } = await freeQemu(site, troubles);
  await removeScratch(paths, config.vm);
  await removeReceiverFiles(paths, config.vm);
  if (lease.status === 'rejected') throw lease.reason;
  return { troubles, found, wrong };
}

/** Takes all of ours out of the VM, and lets it run on where a write that our copy made fail had paused it. */
async function freeVm({ paths, config, receivers }: VmSite, qmp: QmpClient): Promise<void> {
  const found = await readVmState(qmp);
  const copy = unshieldedCopy(found);
  if (copy !== undefined && found.status === 'io-error')
    // For whoever comes next, should this process die. A full state folder must not keep the guest waiting.
    await writeStopLease(paths, config.vm, copy).catch(() => undefined);
  if (copy === undefined) return takeOut(qmp, receivers);
  const letRun = async () => {
    const { status } = await qmp.execute('query-status', {});
    // Reset meanwhile, it looks as if it had never been let run.
    const wasOurs = found.status === 'io-error' && status === 'prelaunch';
    if (status === 'io-error' || wasOurs) await qmp.execute('cont', {});
    await clearStopLease(paths, config.vm);
  };
  try {
    await takeOut(qmp, receivers);
  } catch {
    // A write that hangs in a paused VM keeps the nodes of a job that has ended.
    await letRun();
    await takeOut(qmp, receivers);
  } finally {
    await letRun();
  }
}

async function freeQemu(
  site: VmSite,
  troubles: string[],
): Promise<Pick<Released, 'found' | 'wrong'>> {
  const { receivers, config, repository } = site;
  await using qmp = await reachQemu(site);
  const wrong = qmp && (await atWorkFor(site, await readVmState(qmp)));
  if (wrong) {
    await receivers.end();
    troubles.push(wrong.message);
    return { found: [], wrong };
  }
  if (qmp) await freeVm(site, qmp);
  else await receivers.end();
  troubles.push(...(await settleOverlays(site, qmp)));
  const found = qmp ? (await readVmState(qmp)).disks : [];
  try {
    // The repository may hang: it is asked when the VM is free of it. Without it nobody knows what is published, and
    // segments that are not merged back lose nothing.
    const published = await publishedIds(site);
    const foreign = qmp && (await trackedFor(site, found, published));
    if (foreign) troubles.push(foreign.message);
    else if (qmp) await tidySegments(qmp, (backupId) => published.has(backupId));
    for (const backupId of await repository.listPartials(config.vm))
      await repository.removePartial(config.vm, backupId);
  } catch (error) {
    if (!(error instanceof RepositoryError || error instanceof RepositoryReplacedError))
      throw error;
    troubles.push(`${error.message}; partial files stay until the next run`);
  }
  return { found };
}
