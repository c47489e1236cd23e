import { GuardClient } from '../host/guard/client.ts';
import type { GuardConfig } from '../host/guard/config.ts';
import { startGuard } from '../host/guard/start.ts';
import type { GuestPlan } from '../model/snapshot.ts';
import type { HostDependencies } from './dependencies.ts';
import { atStep } from './vm-site.ts';

/**
 * Starts the guard, which outlives this worker and lets the guest go at its deadline, and has it begin to freeze the file
 * systems. What comes of it `takeInstant` asks the guard: so no hop over Temporal lies within the guest's time.
 */
export async function freezeGuest(
  dependencies: HostDependencies,
  plan: GuestPlan,
  signal: AbortSignal,
): Promise<void> {
  return atStep(dependencies, plan, signal, async ({ config, paths }) => {
    const { vm, backupId, shield, maxFreezeSeconds, quiesce, freezeMountpoints: only } = plan;
    const { qmp, agent } = config;
    const disks = plan.disks.map(({ index, virtualBytes }) => ({ index, virtualBytes }));
    const guarded: GuardConfig = {
      vm,
      backupId,
      qmp,
      shield,
      maxFreezeSeconds,
      disks,
      stateDir: paths.root,
      ...(agent !== undefined && { agent }),
      ...(only && { freezeMountpoints: only }),
    };
    await startGuard(dependencies.guardCommand, guarded, signal);
    if (quiesce === 'off') return;
    await using guard = await GuardClient.connect(paths, vm, signal);
    await guard.beginFreeze();
  });
}
