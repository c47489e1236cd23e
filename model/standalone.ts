import { parseSpentMark } from './names.ts';
import { segmentsOf, type Tidying, type TrackedDisk } from './segments.ts';

/**
 * `tidyingOf` for a QEMU that cannot merge, where each segment records on from its instant, and the one that a copy read
 * is spent when its jobs end well. One segment is kept: the newest of a published backup, but where something was noted to
 * be spent, that of the run which noted it, if it is published. The notes go last, so that a death leaves them as long as
 * anything is left that they speak of.
 */
export function standaloneTidyingOf(
  { device, bitmaps }: TrackedDisk,
  isPublished: (backupId: string) => boolean,
): Tidying[] {
  const marks = bitmaps.flatMap(({ name }) => {
    const backupId = parseSpentMark(name);
    return backupId === undefined ? [] : [{ name, backupId }];
  });
  const spender = marks
    .map(({ backupId }) => backupId)
    .toSorted()
    .at(-1);
  const segments = segmentsOf(bitmaps);
  const kept = segments
    .filter((segment) => segment.device === device && segment.recording && !segment.inconsistent)
    .filter(({ backupId }) => isPublished(backupId) && (spender ?? backupId) === backupId)
    .toSorted((a, b) => b.backupId.localeCompare(a.backupId))[0];
  const useless = [...segments.filter((segment) => segment !== kept), ...marks];
  return useless.map(({ name }) => ({ do: 'remove', bitmap: name }));
}
