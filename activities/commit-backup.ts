import { commitCopy } from '../capture/commit.ts';
import { settleLease } from '../host/lease.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { HostDependencies } from './dependencies.ts';
import { reachQemu } from './reach-qemu.ts';
import { atStep, reachOf } from './vm-site.ts';

/**
 * Frees the VM: the jobs end, and everything of ours but the segments leaves it. From here the new segment is the head.
 * Only after `watchCopy`. May be called again; a QEMU that has ended since needs nothing.
 */
export async function commitBackup(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
): Promise<void> {
  return atStep(dependencies, plan, signal, async (site) => {
    const qmp = await reachQemu(site);
    try {
      if (qmp) await commitCopy(qmp, site.receivers);
      else await site.receivers.end();
    } finally {
      qmp?.close();
    }
    await settleLease(site.paths, plan.vm, reachOf(site));
  });
}
