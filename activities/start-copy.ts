import { captureFor } from '../capture/capture-for.ts';
import { requireGuard } from '../host/guard/require-guard.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { HostDependencies } from './dependencies.ts';
import { atStep, withCapture } from './vm-site.ts';

/** Attaches the targets and starts all copy jobs in one transaction. Traces of an earlier attempt are a `LeftoversError`. */
export async function startCopy(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
): Promise<void> {
  return atStep(dependencies, plan, signal, async (site) => {
    if (plan.shield === 'none') await requireGuard(site.paths, plan.vm, plan.backupId, signal);
    await withCapture(site, plan, (context) => captureFor(plan).startCopy(context));
  });
}
