import type { Taken } from '../capture/ports.ts';
import { LeaseBrokenError } from '../host/errors.ts';
import { GuardClient } from '../host/guard/client.ts';
import type { Freeze, Instant } from '../model/instant.ts';
import type { GuestPlan } from '../model/snapshot.ts';
import { QmpConnectError, QmpDisconnectedError } from '../qemu/errors.ts';
import { QmpClient } from '../qemu/qmp/client.ts';
import { FreezeFailedError } from './errors.ts';
import type { VmSite } from './vm-site.ts';

const connectMs = 5_000;

/**
 * Waits for the freeze, runs `take` under the guard's eyes and tells it, so that it thaws at once. If this process dies
 * in between, the guard lets the guest go. An instant that the guard gave up is a `LeaseBrokenError`. A freeze that
 * failed is a `FreezeFailedError` with `quiesce: required`, and told otherwise.
 */
export async function underGuard(
  { paths, signal }: VmSite,
  plan: GuestPlan,
  take: (qmp: QmpClient) => Promise<Taken>,
): Promise<Instant> {
  const { vm } = plan;
  await using guard = await GuardClient.connect(paths, vm, signal);
  await using qmp = await connectRelay(paths.vm(vm).relaySocket, vm, signal);
  const freeze = await frozen(guard, plan);
  // All that follows is done in the guest's time.
  const { armed, reason } = await guard.arm();
  if (!armed) throw new LeaseBrokenError(`${vm}: the guard holds the guest no more: ${reason}`);
  const taken = await take(qmp);
  const { held } = await guard.taken();
  if (!held) throw new LeaseBrokenError(`${vm}: the guard gave up before the instant`);
  return { ...taken, held, freeze };
}

/**
 * Connects to QEMU through the guard, which has the VM's own socket while it lives. A relay that has gone says nothing of
 * QEMU: the guard took it away when it gave the guest up.
 */
async function connectRelay(relay: string, vm: string, signal: AbortSignal): Promise<QmpClient> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(connectMs)]);
  try {
    return await QmpClient.connect(relay, within);
  } catch (cause) {
    if (!(cause instanceof QmpConnectError || cause instanceof QmpDisconnectedError)) throw cause;
    throw new LeaseBrokenError(`${vm}: the guard gave the guest up before the instant`, { cause });
  }
}

/** What came of the freeze that `freezeGuest` had the guard begin. */
async function frozen(
  guard: GuardClient,
  { vm, quiesce, maxFreezeSeconds }: GuestPlan,
): Promise<Freeze> {
  if (quiesce === 'off') return { frozen: false, filesystems: 0 };
  const freeze = await guard.frozen((maxFreezeSeconds + 5) * 1_000);
  if (freeze.frozen && freeze.shortfall === undefined) return freeze;
  const why = freeze.shortfall ?? freeze.trouble ?? 'no reason was given';
  const trouble = `${vm}: not frozen: ${why}`;
  if (quiesce === 'required') throw new FreezeFailedError(trouble);
  const told = trouble.slice(0, 500);
  return freeze.frozen ? { ...freeze, shortfall: told } : { ...freeze, trouble: told };
}
