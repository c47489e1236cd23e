import { decideDisk, type PublishedBackup } from '../model/decide.ts';
import type { DiskPlan } from '../model/plan.ts';
import type { ParsedRequest } from '../model/request.ts';
import type { Disk } from './vm-state.ts';

/**
 * Decides for each disk what is copied, and why. `found` are the disks before the clean-up, which has removed segments
 * that are of no use, and with them the reason to tell.
 */
export function planDisks(
  disks: readonly Disk[],
  published: readonly PublishedBackup[],
  request: Pick<ParsedRequest, 'kind' | 'since'>,
  found: readonly Disk[] = disks,
): DiskPlan[] {
  return disks.map((disk, index) => {
    const decide = (seen: Disk) => decideDisk(seen, published, request.kind, request.since);
    const decision = decide(disk);
    const before = decide(found.find(({ node }) => node === disk.node) ?? disk);
    const dirtyBytes = disk.bitmaps
      .filter(({ name }) => decision.merge.includes(name))
      .reduce((total, bitmap) => total + bitmap.dirtyBytes, 0);
    return {
      index,
      device: disk.device,
      node: disk.node,
      virtualBytes: disk.virtualBytes,
      persistent: disk.format === 'qcow2',
      ...decision,
      reason: decision.kind === 'full' && before.kind === 'full' ? before.reason : decision.reason,
      merge: [...decision.merge],
      expectedBytes: Math.min(
        decision.kind === 'full' ? disk.usedBytes : dirtyBytes,
        disk.virtualBytes,
      ),
    };
  });
}
