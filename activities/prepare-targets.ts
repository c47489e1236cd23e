import { allDone } from '../capture/all-done.ts';
import { captureFor } from '../capture/capture-for.ts';
import { proveWay } from '../capture/prove-way.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import { createImage } from '../qemu/images/create-image.ts';
import { startReceiver } from '../qemu/receiver/start-receiver.ts';
import { backingReference, targetPath } from '../repository/layout.ts';
import type { HostDependencies } from './dependencies.ts';
import { makeScratch } from './make-scratch.ts';
import { releaseVm } from './release-vm.ts';
import { atStep, withCapture, type VmSite } from './vm-site.ts';

/** Large enough for a cluster to be written and read back. */
const probeBytes = 65_536;

/**
 * Creates target images and scratch, starts the receivers and proves that QEMU writes and reads back through one. All
 * that can fail before the guest is touched fails here. May be called again: it cleans what an earlier start left.
 */
export async function prepareTargets(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
): Promise<void> {
  return atStep(dependencies, plan, signal, async (site) => {
    const { config, paths, repository } = site;
    const { wrong } = await releaseVm(site);
    if (wrong) throw wrong;
    await repository.prepare(plan.vm, plan.backupId, { signal });
    const own = paths.vm(plan.vm);
    // The probe lies where the first target will, so nothing of it is left to be published.
    const device = plan.disks[0]?.device ?? '';
    const probe = targetPath(config.repository, plan.vm, plan.backupId, device);
    await createImage({ path: probe, virtualBytes: probeBytes, signal });
    await startReceiver({ image: probe, socket: own.probeSocket, signal });
    await withCapture(site, plan, (context) => proveWay(context, own.probeSocket));
    await site.receivers.end();

    await allDone(plan.disks.map((disk) => makePlace(site, plan, disk)));
    await withCapture(site, plan, (context) => captureFor(plan).prepare(context));
  });
}

/** The target of one disk with its receiver, and its scratch. */
async function makePlace(site: VmSite, plan: BackupPlan, disk: DiskPlan): Promise<void> {
  const { config, paths, signal } = site;
  const { index, device, virtualBytes, parent } = disk;
  const own = paths.vm(plan.vm);
  const path = targetPath(config.repository, plan.vm, plan.backupId, device);
  const backing =
    parent === null
      ? undefined
      : { path: backingReference(parent, device), format: 'qcow2' as const };
  await createImage({ path, virtualBytes, backing, signal });
  await startReceiver({ image: path, socket: own.targetSocket(index), signal });
  if (plan.shield === 'none') return;
  await makeScratch(site, plan, disk);
}
