import { servedBitmap, startExports } from '../capture/serve.ts';
import type { ServedDisk } from '../model/export.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { HostDependencies } from './dependencies.ts';
import { uriOf } from './served-at.ts';
import { atStep, withCapture } from './vm-site.ts';

/**
 * Serves every disk as it was at the instant, and tells where. Not resumed: traces of an earlier attempt are a
 * `LeftoversError`, and the export starts anew.
 */
export async function startExport(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
): Promise<ServedDisk[]> {
  return atStep(dependencies, plan, signal, async (site) => {
    await withCapture(site, plan, startExports);
    return plan.disks.map((disk) => {
      const { device, kind, reason, parent, virtualBytes } = disk;
      const bitmap = servedBitmap(plan, disk);
      const context = bitmap === null ? null : `qemu:dirty-bitmap:${bitmap}`;
      return { device, kind, reason, parent, virtualBytes, uri: uriOf(site, device), context };
    });
  });
}
