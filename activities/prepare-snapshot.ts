import { addOverlay, baseOf } from '../capture/snapshot.ts';
import { isThere, settleInto } from '../host/overlay-files.ts';
import { writeSnapshotJournal } from '../host/snapshot-journal.ts';
import { snapshotNode } from '../model/names.ts';
import type { SnapshotPlan } from '../model/snapshot.ts';
import { createImage } from '../qemu/images/create-image.ts';
import type { HostDependencies } from './dependencies.ts';
import { SnapshotExistsError } from './errors.ts';
import { overlayFile } from './overlay-file.ts';
import { releaseVm } from './release-vm.ts';
import { atStep, connectVm } from './vm-site.ts';

/**
 * Creates the overlays and has QEMU open them: what stands in the way shows here, before the guest is touched. The
 * journal is written first, so that whoever comes next finds them. May be called again: it removes what an earlier
 * attempt left. A file that lies there all the same is a `SnapshotExistsError`: it may be a disk of the VM by now.
 */
export async function prepareSnapshot(
  dependencies: HostDependencies,
  plan: SnapshotPlan,
  signal: AbortSignal,
): Promise<void> {
  return atStep(dependencies, plan, signal, async (site) => {
    const { config, paths } = site;
    const { wrong } = await releaseVm(site);
    if (wrong) throw wrong;
    await using qmp = await connectVm(site);
    const { vm, backupId: snapshotId } = plan;
    const disks = await Promise.all(
      plan.disks.map(async ({ index, device, node, virtualBytes }) => {
        const base = await baseOf(qmp, device, node);
        const overlay = overlayFile(config, { device, base: base.file, snapshotId });
        return { device, virtualBytes, node: snapshotNode(snapshotId, index), base, overlay };
      }),
    );
    for (const { overlay } of disks)
      if (await isThere(overlay))
        throw new SnapshotExistsError(
          `${overlay}: it is there already, and may be a disk of ${vm}; start a new snapshot`,
        );
    await writeSnapshotJournal(paths, vm, {
      backupId: snapshotId,
      state: 'creating',
      disks: disks.map(({ device, node, base, overlay }) => {
        return { device, node, base: base.file, overlay };
      }),
    });
    for (const { overlay, virtualBytes, base } of disks) {
      const backing = { path: base.file, format: base.format };
      await createImage({ path: overlay, virtualBytes, backing, signal });
      await settleInto(overlay, base.file);
    }
    for (const { node, overlay, base } of disks) await addOverlay(qmp, node, overlay, base);
  });
}
