import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstantRecord } from '../../model/instant.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { BackupPlan, DiskPlan } from '../../model/plan.ts';
import { targetPath } from '../../repository/layout.ts';
import { openRepository } from '../../repository/mark.ts';
import { preparePartial } from '../../repository/partial.ts';
import { type Origin, publish } from '../../repository/publish.ts';

export const [monday, tuesday, wednesday] = [
  '20261123T020000Z-0001',
  '20261124T020000Z-0002',
  '20261125T020000Z-0003',
] as const;

export const origin: Origin = { host: 'hv1', workflowId: 'backup/web1', runId: 'run-1' };

export const instant: InstantRecord = {
  takenAt: '2026-11-24T02:00:05.000Z',
  consistency: 'filesystem',
  frozenMs: 12.5,
  pausedMs: 3,
  frozen: { filesystems: 2, asked: ['/', '/data'], known: ['/', '/data', '/boot'] },
  warnings: ['a warning'],
};

/** A folder of its own, with a repository in it that is not made yet. */
export async function temporaryRepository(): Promise<AsyncDisposable & { folder: string }> {
  const top = await mkdtemp(join(tmpdir(), 'repository-'));
  return {
    folder: join(top, 'backups'),
    [Symbol.asyncDispose]: async () => rm(top, { recursive: true, force: true }),
  };
}

/** The plan of a backup of two disks, full or incremental to a parent. */
export function planOf(backupId: string, parent: string | null = null, vm = 'web1'): BackupPlan {
  const kind = parent === null ? 'full' : 'incremental';
  const disk = (device: string, index: number): DiskPlan => ({
    index,
    device,
    node: `node-${device}`,
    virtualBytes: 4 * 1024 ** 2,
    persistent: true,
    kind,
    reason: parent === null ? 'first-backup' : 'changes-since-parent',
    parent,
    previous: parent,
    merge: [],
    expectedBytes: 1024,
  });
  return {
    vm,
    backupId,
    qemuVersion: '7.2.19',
    shield: 'fleece',
    quiesce: 'preferred',
    secondPass: true,
    kind,
    parent,
    maxFreezeSeconds: 10,
    targetStallSeconds: 60,
    expectedBytes: 2048,
    warnings: [],
    disks: [disk('vd0', 0), disk('vd1', 1)],
  };
}

/** Prepares a backup and fills its targets with bytes that no other has. */
export async function written(folder: string, plan: BackupPlan): Promise<void> {
  await openRepository(folder, { create: true });
  await preparePartial(folder, plan.vm, plan.backupId);
  for (const { device } of plan.disks)
    await writeFile(
      targetPath(folder, plan.vm, plan.backupId, device),
      `${plan.vm} ${plan.backupId} ${device}\n`.repeat(1000),
    );
}

/** Writes and publishes a backup. */
export async function publishedBackup(folder: string, plan: BackupPlan): Promise<Manifest> {
  await written(folder, plan);
  return publish(folder, plan, instant, origin);
}
