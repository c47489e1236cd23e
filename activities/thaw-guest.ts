import { settleFreeze } from '../host/lease.ts';
import type { Thaw } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { HostDependencies } from './dependencies.ts';
import { atStep } from './vm-site.ts';

/** Makes sure that the guest is thawed, by its guard or without one, and tells how long it was frozen. May be called again. */
export async function thawGuest(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
): Promise<Thaw> {
  return atStep(dependencies, plan, signal, ({ paths, config }) => settleFreeze(paths, config));
}
