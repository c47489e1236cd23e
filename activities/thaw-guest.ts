import { GuardError } from '../host/errors.ts';
import { readFreezeRecord } from '../host/freeze-record.ts';
import { GuardClient } from '../host/guard/client.ts';
import { settleLease } from '../host/lease.ts';
import type { Thaw } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { HostDependencies } from './dependencies.ts';
import { atStep, reachOf, type VmSite } from './vm-site.ts';

/** An agent that is late has this long; then the attempt is repeated. */
const thawMs = 60_000;

/**
 * Makes sure that the guest is thawed, by its guard or without one, and tells how long it was frozen. May be called
 * again: the outcome stays on record until the backup is over.
 */
export async function thawGuest(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
): Promise<Thaw> {
  return atStep(dependencies, plan, signal, async (site) => {
    try {
      await using guard = await GuardClient.connect(site.paths, plan.vm, signal);
      return await guard.thaw(thawMs);
    } catch (error) {
      if (!(error instanceof GuardError)) throw error;
      return withoutGuard(site, plan);
    }
  });
}

/** The guard has gone, because all was done or because it was killed: its record tells which. */
async function withoutGuard(site: VmSite, { vm, backupId }: BackupPlan): Promise<Thaw> {
  const record = await readFreezeRecord(site.paths, vm);
  if (record?.state === 'thawed' && record.backupId === backupId)
    return { frozenMs: record.frozenMs ?? 0, held: record.held };
  await settleLease(site.paths, vm, reachOf(site));
  return { frozenMs: 0, held: false };
}
