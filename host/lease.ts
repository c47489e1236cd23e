import { removeFile } from '../files/durable.ts';
import { QmpBusyError } from '../qemu/errors.ts';
import { QmpClient } from '../qemu/qmp/client.ts';
import { LeaseStuckError } from './errors.ts';
import { readFreezeRecord } from './freeze-record.ts';
import { readGuardConfig } from './guard/config.ts';
import { endGuard } from './guard/end-guard.ts';
import { isRefused } from './is-refused.ts';
import type { StatePaths } from './state-paths.ts';
import { clearStopLease, hasStopLease, standsStill } from './stop-lease.ts';
import { thawGuest } from './thaw-guest.ts';

const commandMs = 5_000;
const thawMs = 15_000;

/** What was found of a lease, and done about it. */
export type Settled = {
  /** Whether a guard lived: it went by itself, or hung and was killed. */
  readonly guard: 'none' | 'ended' | 'killed';
  /** The VM stood still because of us, and runs again. */
  readonly continued: boolean;
  /** The guest was frozen, or may have been, and is not any more. */
  readonly thawed: boolean;
};

/** Where the VM is: `qmp` its own socket. */
export type Reach = {
  readonly qmp: string;
  readonly agent?: string | undefined;
  readonly signal: AbortSignal;
};

/**
 * Ends the lease of a run that is over, whether it died or not: lets its guard go, lets the VM run if we had stopped
 * it, thaws the guest, removes the files. Whoever comes first calls it, under the VM's mutex, also when there may be
 * nothing to settle. What cannot be settled within half a minute is a `LeaseStuckError`: try again.
 */
export async function settleLease(paths: StatePaths, vm: string, reach: Reach): Promise<Settled> {
  const guard = await endGuard(paths, vm, reach.signal);
  // A guest that cannot be thawed is not left paused as well, nor the other way round.
  const [continued, thawed] = await Promise.allSettled([
    settlePause(paths, vm, reach),
    settleFreeze(paths, vm, reach),
  ]);
  if (continued.status === 'rejected') throw continued.reason;
  if (thawed.status === 'rejected') throw thawed.reason;
  const { guardConfig, guardSocket, relaySocket } = paths.vm(vm);
  for (const path of [guardConfig, guardSocket, relaySocket]) await removeFile(path);
  return { guard, continued: continued.value, thawed: thawed.value };
}

async function settlePause(paths: StatePaths, vm: string, reach: Reach): Promise<boolean> {
  if (!(await hasStopLease(paths, vm))) return false;
  let paused = false;
  try {
    // Of the machine that was stopped, whatever the inventory names by now.
    const { guardConfig } = paths.vm(vm);
    const stopped = await readGuardConfig(guardConfig).catch(() => undefined);
    await withQmp({ ...reach, qmp: stopped?.qmp ?? reach.qmp }, async (qmp) => {
      const { status } = await qmp.execute('query-status', {}, { timeoutMs: commandMs });
      paused = await standsStill(qmp, status);
      if (paused) await qmp.execute('cont', {}, { timeoutMs: commandMs });
    });
  } catch (cause) {
    reach.signal.throwIfAborted();
    // Without a QEMU nothing stands still.
    if (!isRefused(cause)) {
      const trouble = 'THE VM MAY BE PAUSED by a backup, and QEMU cannot be made to continue it';
      throw new LeaseStuckError(`${vm}: ${trouble}; look at its QMP socket`, { cause });
    }
  }
  await clearStopLease(paths, vm);
  return paused;
}

async function settleFreeze(paths: StatePaths, vm: string, reach: Reach): Promise<boolean> {
  const record = await readFreezeRecord(paths, vm);
  if (record === undefined) return false;
  const { freeze, guardConfig } = paths.vm(vm);
  const mayBeFrozen = record.state !== 'thawed';
  if (mayBeFrozen) {
    const config = await readGuardConfig(guardConfig).catch(() => undefined);
    const agent = config?.agent ?? reach.agent;
    try {
      if (agent === undefined) throw new LeaseStuckError(`${vm}: no agent socket is known`);
      const { signal } = reach;
      await thawGuest(agent, { timeoutMs: thawMs, signal, giveUp: isRefused });
    } catch (cause) {
      reach.signal.throwIfAborted();
      if (!isRefused(cause) || !(await isGone(reach)))
        throw new LeaseStuckError(
          `${vm}: THE GUEST MAY BE FROZEN by a backup, and its agent does not say that it is thawed; ` +
            `thaw it by hand or restart it, then remove ${freeze}`,
          { cause },
        );
    }
  }
  await removeFile(freeze);
  return mayBeFrozen;
}

/** Whether QEMU itself is gone, and with it whatever it held. */
async function isGone(reach: Reach): Promise<boolean> {
  try {
    await withQmp(reach, async () => {});
    return false;
  } catch (error) {
    if (!isRefused(error) && !(error instanceof QmpBusyError)) throw error;
    return isRefused(error);
  }
}

async function withQmp(
  { qmp, signal }: Reach,
  use: (qmp: QmpClient) => Promise<void>,
): Promise<void> {
  await using client = await QmpClient.connect(qmp, signal);
  await use(client);
}
