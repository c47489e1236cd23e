import type { BackupPlan } from '../model/plan.ts';
import { soundBackups } from '../repository/chain.ts';
import type { HostDependencies } from './dependencies.ts';
import { planBackup, type PlanInput } from './plan-backup.ts';

/**
 * `planBackup` for an export: each disk is served whole, and what has changed is told since the newest checkpoint, or
 * since any checkpoint or backup that the request names. Only where QEMU can keep the instant.
 */
export async function planExport(
  dependencies: HostDependencies,
  input: PlanInput & { workflowId: string },
  signal: AbortSignal,
): Promise<BackupPlan> {
  const { since } = input.request;
  // Tracking is not carried over somebody's snapshot here: a disk under one goes full, with the reason.
  return planBackup(dependencies, { ...input, carried: [] }, signal, {
    served: true,
    parents: ({ backups, checkpoints }) =>
      since === undefined ? checkpoints : [...soundBackups(backups), ...checkpoints],
  });
}
