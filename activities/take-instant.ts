import { captureFor } from '../capture/capture-for.ts';
import { clearStopLease, writeStopLease } from '../host/stop-lease.ts';
import type { Instant } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { HostDependencies } from './dependencies.ts';
import { underGuard } from './under-guard.ts';
import { atStep, captureContext } from './vm-site.ts';

/**
 * Waits for the freeze and takes the instant under the guard's eyes. Fails as `underGuard` does; traces of an earlier
 * attempt are a `LeftoversError`: in both cases the backup starts anew.
 */
export async function takeInstant(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
): Promise<Instant> {
  return atStep(dependencies, plan, signal, async (site) => {
    const { paths } = site;
    const { vm, backupId } = plan;
    const lease = {
      write: () => writeStopLease(paths, vm, backupId),
      clear: () => clearStopLease(paths, vm),
    };
    return underGuard(site, plan, (qmp) =>
      captureFor(plan).takeInstant(captureContext(site, plan, qmp), lease),
    );
  });
}
