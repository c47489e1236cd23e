import { captureFor } from '../capture/capture-for.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { HostDependencies } from './dependencies.ts';
import { atStep, withCapture } from './vm-site.ts';

/** Attaches the targets and starts all copy jobs in one transaction. Traces of an earlier attempt are a `LeftoversError`. */
export async function startCopy(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
): Promise<void> {
  return atStep(dependencies, plan, signal, (site) =>
    withCapture(site, plan, (context) => captureFor(plan.shield).startCopy(context)),
  );
}
