import { startGuard } from '../host/guard/start.ts';
import type { Freeze } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { HostDependencies } from './dependencies.ts';
import { FreezeFailedError } from './errors.ts';
import { atStep } from './vm-site.ts';

const nothing: Freeze = { frozen: false, filesystems: 0 };

/**
 * Starts the guard, which outlives this worker and lets the guest go at its deadline, and has it freeze the file
 * systems. A freeze that fails is an error with `quiesce: required`, and told otherwise.
 */
export async function freezeGuest(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
): Promise<Freeze> {
  return atStep(dependencies, plan, signal, async ({ config, paths }) => {
    const guard = await startGuard(dependencies.guardCommand, paths, {
      vm: plan.vm,
      backupId: plan.backupId,
      qmp: config.qmp,
      agent: config.agent,
      shield: plan.shield,
      maxFreezeSeconds: plan.maxFreezeSeconds,
    });
    try {
      if (plan.quiesce === 'off') return nothing;
      const freeze =
        config.agent === undefined
          ? { ...nothing, trouble: `${plan.vm}: not frozen, the inventory names no agent socket` }
          : await guard.freeze();
      if (plan.quiesce === 'required' && !freeze.frozen)
        throw new FreezeFailedError(freeze.trouble ?? `${plan.vm}: the guest was not frozen`);
      return freeze;
    } finally {
      guard.close();
    }
  });
}
