import { decideDisk, type PublishedBackup } from '../model/decide.ts';
import type { DiskPlan } from '../model/plan.ts';
import type { ParsedRequest } from '../model/request.ts';
import { NoDiskError } from './errors.ts';
import type { Disk } from './vm-state.ts';

/** The disks to back up: those that are named, else every writable one. A named disk that is not there is a `NoDiskError`. */
export function chooseDisks(disks: readonly Disk[], named: readonly string[] | undefined): Disk[] {
  const present = disks.map(({ device }) => device);
  const missing = named?.filter((device) => !present.includes(device)) ?? [];
  if (missing.length > 0)
    throw new NoDiskError(
      `disk ${missing.join(', ')}: not among the writable disks of the VM (${present.join(', ') || 'none'})`,
    );
  const chosen = disks.filter(({ device }) => named?.includes(device) ?? true);
  if (chosen.length === 0) throw new NoDiskError('the VM has no writable disk to back up');
  return chosen;
}

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
