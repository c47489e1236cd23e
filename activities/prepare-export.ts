import { allDone } from '../capture/all-done.ts';
import { prepareExports } from '../capture/serve.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { HostDependencies } from './dependencies.ts';
import { makeScratch } from './make-scratch.ts';
import { listenOf } from './served-at.ts';
import { releaseVm } from './release-vm.ts';
import { atStep, withCapture } from './vm-site.ts';

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
    await allDone(plan.disks.map((disk) => makeScratch(site, plan, disk)));
    await withCapture(site, plan, (context) => prepareExports(context, listenOf(site)));
  });
}
