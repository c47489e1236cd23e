import { captureFor } from '../capture/capture-for.ts';
import { LeaseBrokenError } from '../host/errors.ts';
import { GuardClient } from '../host/guard/client.ts';
import { clearStopLease, writeStopLease } from '../host/stop-lease.ts';
import type { Instant } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import { QmpClient } from '../qemu/qmp/client.ts';
import type { HostDependencies } from './dependencies.ts';
import { atStep, captureContext } from './vm-site.ts';

const connectMs = 5_000;

/**
 * Takes the instant under the guard's eyes and tells it, so that it thaws at once. If this process dies in between, the
 * guard lets the guest go. An instant that the guard gave up is a `LeaseBrokenError`; traces of an earlier attempt are
 * a `LeftoversError`: in both cases the backup starts anew.
 */
export async function takeInstant(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
): Promise<Instant> {
  return atStep(dependencies, plan, signal, async (site) => {
    const { paths } = site;
    const { vm, backupId } = plan;
    await using guard = await GuardClient.connect(paths, vm, signal);
    const { armed, reason } = await guard.arm();
    if (!armed) throw new LeaseBrokenError(`${vm}: the guard holds the guest no more: ${reason}`);
    const lease = {
      write: () => writeStopLease(paths, vm, backupId),
      clear: () => clearStopLease(paths, vm),
    };
    // The guard has the VM's own socket while it lives.
    const relay = paths.vm(vm).relaySocket;
    await using qmp = await QmpClient.connect(
      relay,
      AbortSignal.any([signal, AbortSignal.timeout(connectMs)]),
    );
    const context = captureContext(site, plan, qmp);
    const taken = await captureFor(plan.shield).takeInstant(context, lease);
    const { held } = await guard.taken();
    if (!held) throw new LeaseBrokenError(`${vm}: the guard gave up before the instant`);
    return { ...taken, held };
  });
}
