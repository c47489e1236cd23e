import { droppable, tidyingOf } from '../model/segments.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { readVmState } from './vm-state.ts';

/** Whether a backup is in the repository, complete. */
export type IsPublished = (backupId: string) => boolean;

/**
 * Puts the segments of every disk in order after a run that did not publish: its segments are merged back into their
 * predecessors, which record again. Plain commands on bitmaps that were just seen, each of which leaves a superset:
 * in a transaction a missing bitmap would kill QEMU. May be repeated after a death at any point.
 */
export async function tidySegments(qmp: QmpClient, isPublished: IsPublished): Promise<void> {
  for (const disk of (await readVmState(qmp)).disks) {
    const { node } = disk;
    for (const step of tidyingOf(disk, isPublished)) {
      if (step.do === 'merge-back') {
        await qmp.execute('block-dirty-bitmap-enable', { node, name: step.into });
        await qmp.execute('block-dirty-bitmap-merge', {
          node,
          target: step.into,
          bitmaps: [step.newest],
        });
      }
      const name = step.do === 'merge-back' ? step.newest : step.bitmap;
      await qmp.execute('block-dirty-bitmap-remove', { node, name });
    }
  }
}

/** Removes the oldest segments that no published backup needs, and those beyond `keep`. May be repeated. */
export async function dropOldSegments(
  qmp: QmpClient,
  isPublished: IsPublished,
  keep: number,
): Promise<void> {
  for (const disk of (await readVmState(qmp)).disks)
    for (const name of droppable(disk, isPublished, keep))
      await qmp.execute('block-dirty-bitmap-remove', { node: disk.node, name });
}
