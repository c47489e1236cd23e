import { segmentName, temporaryBitmapName } from '../model/names.ts';
import type { DiskPlan, BackupPlan } from '../model/plan.ts';
import { segmentsOf } from '../model/segments.ts';
import type { Args } from '../qemu/qmp/commands.ts';
import { VmChangedError } from './errors.ts';
import { refuseForeignJob } from './foreign-jobs.ts';
import type { Disk, VmState } from './vm-state.ts';

export type Action = Args<'transaction'>['actions'][number];

/** Always given: QEMU's own choice follows the image's cluster size, down to 4 KiB. */
export const granularity = 65_536;

/** The disk of the VM that a plan means, as it is now; a disk that is not as planned is a `VmChangedError`. */
export function plannedDisk(state: VmState, planned: DiskPlan): Disk {
  const disk = samePlace(state, planned);
  const usable = disk.bitmaps.filter(({ inconsistent }) => !inconsistent).map(({ name }) => name);
  const missing = planned.merge.find((name) => !usable.includes(name));
  if (missing !== undefined) throw changed(planned, `has lost bitmap ${missing}`);
  return disk;
}

type PlannedPlace = Pick<DiskPlan, 'device' | 'node' | 'virtualBytes'>;

/** The disk that a plan means, with the image and the size that it had, and no job of somebody else's. */
export function samePlace(state: VmState, planned: PlannedPlace): Disk {
  const disk = state.disks.find(({ device }) => device === planned.device);
  if (!disk) throw changed(planned, 'is not there any more');
  if (disk.node !== planned.node) throw changed(planned, 'has another image');
  if (disk.virtualBytes !== planned.virtualBytes) throw changed(planned, 'has another size');
  refuseForeignJob(state, disk);
  return disk;
}

function changed(planned: PlannedPlace, what: string): VmChangedError {
  return new VmChangedError(`disk ${planned.device}: it ${what} since the plan; start again`);
}

/** The new segment starts to record, every older one of ours stops: in one transaction, so no write is between them. */
export function newSegment(plan: BackupPlan, planned: DiskPlan, disk: Disk): Action[] {
  const recording = segmentsOf(disk.bitmaps).filter((segment) => segment.recording);
  return [
    {
      type: 'block-dirty-bitmap-add',
      data: {
        node: disk.node,
        name: segmentName(planned.device, plan.backupId, planned.previous),
        persistent: planned.persistent,
        granularity,
      },
    },
    ...recording.map(({ name }): Action => ({
      type: 'block-dirty-bitmap-disable',
      data: { node: disk.node, name },
    })),
  ];
}

/**
 * The new segment, and of what is not a full backup all changes since its parent, in the temporary bitmap. They are merged all
 * at once: below QEMU 4.2 a second merge, of a segment that is empty, would empty the bitmap again.
 */
export function segmentAndChanges(plan: BackupPlan, planned: DiskPlan, disk: Disk): Action[] {
  const segment = newSegment(plan, planned, disk);
  if (planned.kind === 'full') return segment;
  return [
    ...segment,
    temporaryBitmap(plan, planned, disk.node),
    ...mergeInto(plan, planned, disk.node, planned.merge),
  ];
}

/** An empty bitmap that does not record, to be filled by merging. */
export function temporaryBitmap(plan: BackupPlan, planned: DiskPlan, node: string): Action {
  return {
    type: 'block-dirty-bitmap-add',
    data: {
      node,
      name: temporaryBitmapName(plan.backupId, planned.index),
      disabled: true,
      granularity,
    },
  };
}

/** Adds the content of `bitmaps` of the disk's node to the temporary bitmap on `node`. */
export function mergeInto(
  plan: BackupPlan,
  planned: DiskPlan,
  node: string,
  bitmaps: readonly string[],
): Action[] {
  if (bitmaps.length === 0) return [];
  const target = temporaryBitmapName(plan.backupId, planned.index);
  return [
    {
      type: 'block-dirty-bitmap-merge',
      data: {
        node,
        target,
        // Below 4.1 sources are named alone, and are of the same node.
        bitmaps: bitmaps.map((name) =>
          node === planned.node ? name : { node: planned.node, name },
        ),
      },
    },
  ];
}
