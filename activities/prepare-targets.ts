import { captureFor } from '../capture/capture-for.ts';
import { proveWay } from '../capture/prove-way.ts';
import type { BackupPlan } from '../model/plan.ts';
import { createImage } from '../qemu/images/create-image.ts';
import { createScratch } from '../qemu/images/create-scratch.ts';
import { startReceiver } from '../qemu/receiver/start-receiver.ts';
import { backingReference, targetPath } from '../repository/layout.ts';
import type { HostDependencies } from './dependencies.ts';
import { releaseVm } from './release-vm.ts';
import { atStep, withCapture } from './vm-site.ts';

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
    await releaseVm(site);
    await repository.prepare(plan.vm, plan.backupId, { signal });
    const own = paths.vm(plan.vm);
    const pathOf = (device: string) =>
      targetPath(config.repository, plan.vm, plan.backupId, device);

    // The probe lies where the first target will, so nothing of it is left to be published.
    const probe = pathOf(plan.disks[0]?.device ?? '');
    await createImage({ path: probe, virtualBytes: probeBytes, signal });
    await startReceiver({ image: probe, socket: own.probeSocket, signal });
    await withCapture(site, plan, (context) => proveWay(context, own.probeSocket));
    await site.receivers.end();

    for (const { index, device, virtualBytes, parent } of plan.disks) {
      const path = pathOf(device);
      const backing =
        parent === null
          ? undefined
          : { path: backingReference(parent, device), format: 'qcow2' as const };
      await createImage({ path, virtualBytes, backing, signal });
      await startReceiver({ image: path, socket: own.targetSocket(index), signal });
      if (plan.shield === 'none') continue;
      const limitBytes = config.scratchBytes;
      await createScratch({ path: own.scratchImage(index), virtualBytes, limitBytes, signal });
    }
    await withCapture(site, plan, (context) => captureFor(plan.shield).prepare(context));
  });
}
