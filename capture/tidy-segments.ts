import { droppable, tidyingOf, type Tidying } from '../model/segments.ts';
import { standaloneTidyingOf } from '../model/standalone.ts';
import { QmpCommandError } from '../qemu/errors.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { tolerant } from './tolerant.ts';
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
    for (const step of stepsFor(qmp)(disk, isPublished)) {
      if (step.do === 'merge-back') await mergeBack(qmp, node, step);
      const name = step.do === 'merge-back' ? step.newest : step.bitmap;
      await qmp.execute('block-dirty-bitmap-remove', { node, name });
    }
  }
}

/** Where nothing can be merged, segments stand each for itself. */
function stepsFor(qmp: QmpClient): typeof tidyingOf {
  return qmp.lacks('block-dirty-bitmap-merge') ? standaloneTidyingOf : tidyingOf;
}

async function mergeBack(
  qmp: QmpClient,
  node: string,
  { newest, into }: Extract<Tidying, { do: 'merge-back' }>,
): Promise<void> {
  await qmp.execute('block-dirty-bitmap-enable', { node, name: into });
  try {
    await qmp.execute('block-dirty-bitmap-merge', { node, target: into, bitmaps: [newest] });
  } catch (error) {
    // Somebody removed it just now, and what it held is gone: a predecessor that records again would pass for whole.
    if (error instanceof QmpCommandError && !(await isThere(qmp, node, newest)))
      await tolerant(qmp.execute('block-dirty-bitmap-remove', { node, name: into }));
    throw error;
  }
}

async function isThere(qmp: QmpClient, node: string, bitmap: string): Promise<boolean> {
  const { disks } = await readVmState(qmp);
  return disks.some(
    (disk) => disk.node === node && disk.bitmaps.some(({ name }) => name === bitmap),
  );
}

/** Removes the oldest segments that no published backup needs, and those beyond `keep`. May be repeated. */
export async function dropOldSegments(
  qmp: QmpClient,
  isPublished: IsPublished,
  keep: number,
): Promise<void> {
  if (qmp.lacks('block-dirty-bitmap-merge')) return tidySegments(qmp, isPublished);
  for (const disk of (await readVmState(qmp)).disks)
    for (const name of droppable(disk, isPublished, keep))
      await qmp.execute('block-dirty-bitmap-remove', { node: disk.node, name });
}
