import { ApplicationFailure, CancellationScope } from '@temporalio/workflow';
import { LeaseBrokenError } from '../host/errors.ts';
import type { Instant, InstantRecord, Thaw } from '../model/instant.ts';
import type { GuestPlan } from '../model/snapshot.ts';
import type { Report } from './report.ts';
import type { Steps } from './steps.ts';
import { unless } from './unless.ts';

/** Its guard died between the instant and the thaw, and nobody else can tell. */
const freezeLost = 'whether the freeze still held at the instant is not known';

/**
 * Freezes the guest, takes the instant and makes sure that the guest is thawed, whatever happens between: not as one
 * undo among others, but at once, and not cancellable. The guard has thawed it long before if all went well.
 */
export async function takeInstantAtRest<P extends GuestPlan>(
  steps: Pick<Steps, 'freezeGuest' | 'thawGuest'> & {
    readonly takeInstant: (plan: P) => Promise<Instant>;
  },
  plan: P,
  report: Report,
  hostLost: () => boolean,
): Promise<InstantRecord> {
  let thaw: Thaw;
  let instant: Instant;
  try {
    report.enter('freezing');
    await steps.freezeGuest(plan);
    report.enter('instant');
    instant = await steps.takeInstant(plan);
  } finally {
    report.enter('thawing');
    thaw = await CancellationScope.nonCancellable(() => unless(hostLost, steps.thawGuest(plan)));
  }
  const { freeze } = instant;
  const lost = freeze.frozen && !(instant.held && thaw.held);
  if (lost && plan.quiesce === 'required')
    throw ApplicationFailure.create({
      message: `${plan.vm}: ${freezeLost}, and quiesce is "required"`,
      type: LeaseBrokenError.name,
    });
  const { frozen, trouble, shortfall, ...what } = freeze;
  return {
    takenAt: instant.takenAt,
    consistency: frozen && !lost && shortfall === undefined ? 'filesystem' : 'crash',
    frozenMs: Math.round(thaw.frozenMs * 10) / 10,
    pausedMs: instant.pausedMs,
    ...(frozen && { frozen: what }),
    warnings: [
      trouble ?? [],
      shortfall ?? [],
      thaw.trouble === undefined ? [] : `the thaw was answered with an error: ${thaw.trouble}`,
      lost ? freezeLost : [],
    ].flat(),
  };
}
