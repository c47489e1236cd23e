import { decideDisk, type PublishedBackup } from '../model/decide.ts';
import type { DiskPlan } from '../model/plan.ts';
import type { ParsedRequest } from '../model/request.ts';
import type { Disk } from './vm-state.ts';

/** Decides for each disk what is copied, and why. */
export function planDisks(
  disks: readonly Disk[],
  published: readonly PublishedBackup[],
  request: Pick<ParsedRequest, 'kind' | 'since'>,
): DiskPlan[] {
  return disks.map((disk, index) => {
    const decision = decideDisk(disk, published, request.kind, request.since);
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
      merge: [...decision.merge],
      expectedBytes: Math.min(
        decision.kind === 'full' ? disk.usedBytes : dirtyBytes,
        disk.virtualBytes,
      ),
    };
  });
}
