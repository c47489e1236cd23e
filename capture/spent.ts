import { parseSpentMark, spentMark, temporaryBitmapName } from '../model/names.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { granularity } from './bitmap-actions.ts';
import { LeftoversError } from './errors.ts';
import { readVmState, type Disk } from './vm-state.ts';

// Where a job clears the segment that it reads, QEMU itself keeps the notes of it: they live and die with the segments.

/**
 * Notes on each disk that the segment which this backup reads is spent, before the jobs may end. From here on it is
 * trusted only if this backup is published. May be called again.
 */
export async function markSpent(qmp: QmpClient, plan: BackupPlan): Promise<void> {
  for (const { index, node, kind } of plan.disks)
    if (kind !== 'full') await note(qmp, node, spentMark(plan.backupId, index));
}

/** A `LeftoversError` where the clean-up has still to see what a run has spent. */
export function refuseSpent({ bitmaps, device }: Disk): void {
  const mark = bitmaps.find(({ name }) => parseSpentMark(name) !== undefined);
  if (mark) throw new LeftoversError(`disk ${device}: ${mark.name}: not tidied; starting anew`);
}

/** Notes that all jobs were seen to end well. The clean-up takes it away with all temporary bitmaps. */
export async function markCopied(qmp: QmpClient, plan: BackupPlan): Promise<void> {
  const [first] = plan.disks;
  if (first) await note(qmp, first.node, temporaryBitmapName(plan.backupId, first.index));
}

/** Whether somebody has seen all jobs of this backup end well, in this life of QEMU. */
export async function isCopied(qmp: QmpClient, plan: BackupPlan): Promise<boolean> {
  return has(qmp, temporaryBitmapName(plan.backupId, plan.disks[0]?.index ?? 0));
}

async function note(qmp: QmpClient, node: string, name: string): Promise<void> {
  if (await has(qmp, name)) return;
  await qmp.execute('block-dirty-bitmap-add', { node, name, granularity, persistent: false });
}

async function has(qmp: QmpClient, bitmap: string): Promise<boolean> {
  const { disks } = await readVmState(qmp);
  return disks.some(({ bitmaps }) => bitmaps.some(({ name }) => name === bitmap));
}
