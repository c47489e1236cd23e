import { setTimeout as delay } from 'node:timers/promises';
import { GuardError } from '../host/errors.ts';
import { readFreezeRecord } from '../host/freeze-record.ts';
import { GuardClient } from '../host/guard/client.ts';
import { findGuard } from '../host/guard/find-guard.ts';
import { settleLease } from '../host/lease.ts';
import type { Thaw } from '../model/instant.ts';
import type { GuestPlan } from '../model/snapshot.ts';
import type { HostDependencies } from './dependencies.ts';
import { atStep, reachOf, type VmSite } from './vm-site.ts';

/** An agent that is late has this long; then the attempt is repeated. */
const thawMs = 60_000;
/** A guard that takes no connections any more ends within this time. */
const goMs = 5_000;
const lookMs = 20;

/**
 * Makes sure that the guest is thawed, by its guard or without one, and tells how long it was frozen. May be called
 * again: the outcome stays on record until the backup is over.
 */
export async function thawGuest(
  dependencies: HostDependencies,
  plan: GuestPlan,
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

/** The guard has gone or is about to, because all was done or because it was killed: its record tells which. */
async function withoutGuard(site: VmSite, { vm, backupId }: GuestPlan): Promise<Thaw> {
  const until = performance.now() + goMs;
  for (;;) {
    // Asked before the record is read: a guard that has gone writes no more.
    const lives = (await findGuard(site.paths, vm)) !== undefined;
    const record = await readFreezeRecord(site.paths, vm);
    if (record?.state === 'thawed' && record.backupId === backupId)
      return {
        frozenMs: record.frozenMs ?? 0,
        held: record.held,
        ...(record.thawTrouble !== undefined && { trouble: record.thawTrouble }),
      };
    if (!lives || performance.now() >= until) break;
    await delay(lookMs, undefined, { signal: site.signal });
  }
  await settleLease(site.paths, vm, reachOf(site));
  return { frozenMs: 0, held: false };
}
