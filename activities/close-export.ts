import { checkInstant } from '../capture/check-instant.ts';
import { removeExports } from '../capture/exports.ts';
import { areServed } from '../capture/serve.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { HostDependencies } from './dependencies.ts';
import { atStep, withCapture } from './vm-site.ts';

/**
 * Ends what is served, and then looks once more: only if the instant still holds when nobody reads any more is all that
 * was read of it. May be called again.
 */
export async function closeExport(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
): Promise<void> {
  return atStep(dependencies, plan, signal, (site) =>
    withCapture(site, plan, async (context) => {
      await removeExports(context.qmp);
      await areServed(context);
      await checkInstant(context);
    }),
  );
}
