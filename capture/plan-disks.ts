import { decideDisk, type PublishedBackup } from '../model/decide.ts';
import type { DiskPlan } from '../model/plan.ts';
import type { ParsedRequest } from '../model/request.ts';
import type { Abilities } from './abilities.ts';
import type { Disk } from './vm-state.ts';

/**
 * Decides for each disk what is copied, and why. `found` are the disks before the clean-up, which has removed segments
 * that are of no use, and with them the reason to tell.
 */
export function planDisks(
  disks: readonly Disk[],
  published: readonly PublishedBackup[],
  request: Pick<ParsedRequest, 'kind' | 'since'>,
  { keepsBitmaps, merging }: Pick<Abilities, 'keepsBitmaps' | 'merging'>,
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
      persistent: keepsBitmaps && disk.format === 'qcow2',
      ...decision,
      reason: decision.kind === 'full' && before.kind === 'full' ? before.reason : decision.reason,
      // Where nothing can be merged every segment records on, and the parent's holds what all after it do.
      merge: merging ? [...decision.merge] : decision.merge.slice(-1),
      expectedBytes: Math.min(
        decision.kind === 'full' ? disk.usedBytes : dirtyBytes,
        disk.virtualBytes,
      ),
    };
  });
}
