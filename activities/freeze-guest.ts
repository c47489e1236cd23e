import { GuardClient } from '../host/guard/client.ts';
import { startGuard } from '../host/guard/start.ts';
import type { Freeze } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { HostDependencies } from './dependencies.ts';
import { FreezeFailedError } from './errors.ts';
import { atStep } from './vm-site.ts';

const nothing: Freeze = { frozen: false, filesystems: 0 };

/**
 * Starts the guard, which outlives this worker and lets the guest go at its deadline, and has it freeze the file
 * systems. A freeze that fails is a `FreezeFailedError` with `quiesce: required`, and told otherwise.
 */
export async function freezeGuest(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
): Promise<Freeze> {
  return atStep(dependencies, plan, signal, async ({ config, paths }) => {
    const { vm, backupId, shield, maxFreezeSeconds, quiesce } = plan;
    const { qmp, agent } = config;
    const disks = plan.disks.map(({ index, virtualBytes }) => ({ index, virtualBytes }));
    const base = { vm, backupId, qmp, shield, maxFreezeSeconds, disks, stateDir: paths.root };
    await startGuard(
      dependencies.guardCommand,
      agent === undefined ? base : { ...base, agent },
      signal,
    );
    if (quiesce === 'off') return nothing;
    const freeze =
      agent === undefined
        ? { ...nothing, trouble: `${vm}: not frozen: the inventory names no agent socket` }
        : await freezeByGuard(paths, plan, signal);
    if (quiesce === 'required' && !freeze.frozen)
      throw new FreezeFailedError(freeze.trouble ?? `${vm}: the guest was not frozen`);
    return freeze;
  });
}

async function freezeByGuard(
  paths: HostDependencies['paths'],
  { vm, maxFreezeSeconds }: BackupPlan,
  signal: AbortSignal,
): Promise<Freeze> {
  await using guard = await GuardClient.connect(paths, vm, signal);
  return await guard.freeze((maxFreezeSeconds + 5) * 1_000);
}
