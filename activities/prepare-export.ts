import { allDone } from '../capture/all-done.ts';
import { prepareExports } from '../capture/serve.ts';
import { placeOf } from '../capture/block-nodes.ts';
import type { BackupPlan } from '../model/plan.ts';
import { createScratch } from '../qemu/images/create-scratch.ts';
import type { HostDependencies } from './dependencies.ts';
import { listenOf } from './served-at.ts';
import { releaseVm } from './release-vm.ts';
import { atStep, placesOf, withCapture } from './vm-site.ts';

/**
 * Creates the scratches and starts QEMU's NBD server, with nothing in it yet. All that can fail before the guest is
 * touched fails here. May be called again: it cleans what an earlier start left.
 */
export async function prepareExport(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
): Promise<void> {
  return atStep(dependencies, plan, signal, async (site) => {
    const { wrong } = await releaseVm(site);
    if (wrong) throw wrong;
    const places = placesOf(site, plan);
    await allDone(
      plan.disks.map(async ({ index, virtualBytes }) => {
        const { scratchPath: path, scratchLimitBytes: limitBytes } = placeOf(places, index);
        await createScratch({ path, virtualBytes, limitBytes, signal });
      }),
    );
    await withCapture(site, plan, (context) => prepareExports(context, listenOf(site)));
  });
}
