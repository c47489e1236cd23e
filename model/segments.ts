import { parseSegmentName } from './names.ts';

/** A dirty bitmap as QEMU shows it. */
export type SeenBitmap = {
  readonly name: string;
  readonly recording: boolean;
  readonly persistent: boolean;
  readonly inconsistent: boolean;
  /** Dirty bytes, an estimate of what a copy of it reads. */
  readonly dirtyBytes: number;
};

/** A bitmap of ours: the changes from one backup's instant until the next one's. */
export type Segment = SeenBitmap & {
  /** The device whose changes it holds. */
  readonly device: string;
  readonly backupId: string;
  readonly previous: string | null;
};

/** A disk, as far as its changes are tracked. */
export type TrackedDisk = { readonly device: string; readonly bitmaps: readonly SeenBitmap[] };

/** The segments among bitmaps, of whatever device. Foreign bitmaps are not looked at. */
export function segmentsOf(bitmaps: readonly SeenBitmap[]): Segment[] {
  return bitmaps.flatMap((bitmap) => {
    const parsed = parseSegmentName(bitmap.name);
    return parsed ? [{ ...bitmap, ...parsed }] : [];
  });
}

/**
 * The unbroken chain of a disk's own segments, newest first: from the newest recording, consistent one that nobody names
 * as its predecessor back over `previous`, as long as each is there and consistent. Empty when nothing records.
 */
export function chainOf({ device, bitmaps }: TrackedDisk): Segment[] {
  const usable = segmentsOf(bitmaps).filter(
    (segment) => segment.device === device && !segment.inconsistent,
  );
  const named = new Set(usable.map((segment) => segment.previous));
  const head = usable
    .filter((segment) => segment.recording && !named.has(segment.backupId))
    .toSorted((a, b) => b.backupId.localeCompare(a.backupId))[0];
  const byId = new Map(usable.map((segment) => [segment.backupId, segment]));
  const chain: Segment[] = [];
  let at: Segment | undefined = head;
  while (at && !chain.includes(at)) {
    chain.push(at);
    at = at.previous === null ? undefined : byId.get(at.previous);
  }
  return chain;
}

/** How a disk's segments are tidied after a death: what to do, in this order, each by plain commands. */
export type Tidying =
  | { readonly do: 'merge-back'; readonly newest: string; readonly into: string }
  | { readonly do: 'remove'; readonly bitmap: string };

/**
 * What has to happen to a disk's segments so that the newest one is of a published backup: unpublished ones are
 * merged back into their predecessors, inconsistent ones and those outside the chain are removed, also those of an image
 * that was another device's.
 */
export function tidyingOf(
  disk: TrackedDisk,
  isPublished: (backupId: string) => boolean,
): Tidying[] {
  const chain = chainOf(disk);
  const chained = new Set(chain.map(({ name }) => name));
  const steps: Tidying[] = segmentsOf(disk.bitmaps)
    .filter(({ name }) => !chained.has(name))
    .map((segment) => ({ do: 'remove', bitmap: segment.name }));
  for (const [position, segment] of chain.entries()) {
    if (isPublished(segment.backupId)) break;
    const predecessor = chain[position + 1];
    steps.push(
      predecessor
        ? { do: 'merge-back', newest: segment.name, into: predecessor.name }
        : { do: 'remove', bitmap: segment.name },
    );
  }
  return steps;
}

/**
 * The segments that may go, oldest first: those whose backup is not published any more, and those beyond `keep`.
 * Only ever from the oldest end, so that what stays is a chain.
 */
export function droppable(
  disk: TrackedDisk,
  isPublished: (backupId: string) => boolean,
  keep: number,
): string[] {
  const chain = chainOf(disk);
  const dropped: string[] = [];
  for (let count = chain.length; count > 1; count--) {
    const oldest = chain[count - 1];
    if (!oldest || (count <= keep && isPublished(oldest.backupId))) break;
    dropped.push(oldest.name);
  }
  return dropped;
}
