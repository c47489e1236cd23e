import { join } from 'node:path';
import { execa } from 'execa';
import { planOf, instant, monday, origin, tuesday } from '../../repository/sample.ts';
import { backingReference, publishedPath, targetPath } from '../../../repository/layout.ts';
import { openRepository } from '../../../repository/mark.ts';
import { preparePartial } from '../../../repository/partial.ts';
import { publish } from '../../../repository/publish.ts';

const diskBytes = 4 * 1024 ** 2;

/** Two backups of web1's two disks, a full one and an incremental, and raw copies of what the disks held at each. */
export type PublishedChain = {
  readonly full: string;
  readonly incremental: string;
  /** The raw copy of a disk as a backup must restore it. */
  readonly oracle: (backupId: string, device: string) => string;
};

/**
 * Writes a repository as `qemu-nbd` would have: qcow2 files with their backing recorded. The oracles are plain raw
 * files that got the same writes, and never were part of a chain.
 */
export async function publishChain(folder: string, oracles: string): Promise<PublishedChain> {
  const oracle = (backupId: string, device: string) => join(oracles, `${backupId}-${device}.raw`);
  await openRepository(folder, { create: true });
  for (const [backupId, parent] of [
    [monday, null],
    [tuesday, monday],
  ] as const) {
    const plan = planOf(backupId, parent);
    await preparePartial(folder, plan.vm, backupId);
    for (const { device, index } of plan.disks) {
      const target = targetPath(folder, plan.vm, backupId, device);
      const raw = oracle(backupId, device);
      const onto = parent ? ['-u', '-b', backingReference(parent, device), '-F', 'qcow2'] : [];
      await execa('qemu-img', ['create', '-q', '-f', 'qcow2', ...onto, target, String(diskBytes)]);
      if (parent) await execa('cp', [oracle(parent, device), raw]);
      else await execa('qemu-img', ['create', '-q', '-f', 'raw', raw, String(diskBytes)]);
      for (const command of writes(index, parent !== null)) {
        await execa('qemu-io', ['-f', 'qcow2', '-c', command, target]);
        await execa('qemu-io', ['-f', 'raw', '-c', command, raw]);
      }
    }
    await publish(folder, plan, instant, origin);
  }
  return { full: monday, incremental: tuesday, oracle };
}

/** Data at first; then some of it overwritten, some zeroed, and some new. */
function writes(index: number, isIncremental: boolean): string[] {
  const pattern = index + 1;
  return isIncremental
    ? [`write -P ${pattern + 16} 64k 64k`, 'write -z 1M 128k', `write -P ${pattern} 3M 4k`]
    : [`write -P ${pattern} 0 2M`];
}

/** Where a published disk lies. */
export function publishedDisk(folder: string, backupId: string, device: string): string {
  return join(publishedPath(folder, 'web1', backupId), `${device}.qcow2`);
}
