import type { Kind, Reason, RequestedKind } from './choices.ts';
import { chainOf, segmentsOf, type Segment, type SeenBitmap } from './segments.ts';

/** What the decision needs to know of one disk. */
export type DiskFacts = {
  readonly device: string;
  readonly virtualBytes: number;
  readonly bitmaps: readonly SeenBitmap[];
};

/** What the decision needs to know of one published backup. */
export type PublishedBackup = {
  readonly backupId: string;
  readonly disks: readonly {
    readonly device: string;
    readonly virtualBytes: number;
    readonly kind: Kind;
  }[];
};

/** How one disk is backed up, why, and which segments are copied. */
export type DiskDecision = {
  readonly kind: Kind;
  readonly reason: Reason;
  readonly parent: string | null;
  readonly previous: string | null;
  readonly merge: readonly string[];
};

/**
 * Decides for one disk between full, incremental and differential. It trusts nothing but what it is shown: a parent
 * must be published, hold this disk in this size, and be reached by an unbroken chain of consistent segments.
 * `since` is the chosen start of a differential; left out, it is the newest backup in which this disk is full.
 */
export function decideDisk(
  disk: DiskFacts,
  published: readonly PublishedBackup[],
  kind: RequestedKind,
  since?: string,
): DiskDecision {
  const chain = chainOf(disk);
  const previous = chain[0]?.backupId ?? null;
  const full = (reason: Reason): DiskDecision => ({
    kind: 'full',
    reason,
    parent: null,
    previous,
    merge: [],
  });
  if (kind === 'full') return full('requested-full');

  const holding = published.filter((backup) =>
    backup.disks.some(({ device }) => device === disk.device),
  );
  if (holding.length === 0) return full('first-backup');
  const wanted = kind === 'differential' ? (since ?? newestFull(holding, disk.device)) : undefined;
  const at = chain.findIndex(
    (segment) =>
      (wanted === undefined || segment.backupId === wanted) &&
      holding.some((backup) => backup.backupId === segment.backupId && fits(backup, disk)),
  );
  const start = chain[at];
  if (!start) return full(whyNot(disk, chain, holding, wanted));
  return {
    kind: kind === 'differential' ? 'differential' : 'incremental',
    reason: kind === 'differential' ? 'changes-since-chosen' : 'changes-since-parent',
    parent: start.backupId,
    previous,
    merge: chain.slice(0, at + 1).map((segment) => segment.name),
  };
}

function fits(backup: PublishedBackup, disk: DiskFacts): boolean {
  return backup.disks.some(
    (held) => held.device === disk.device && held.virtualBytes === disk.virtualBytes,
  );
}

function newestFull(published: readonly PublishedBackup[], device: string): string {
  const fulls = published.filter((backup) =>
    backup.disks.some((disk) => disk.device === device && disk.kind === 'full'),
  );
  return (
    fulls
      .map(({ backupId }) => backupId)
      .toSorted()
      .at(-1) ?? 'none'
  );
}

/** Names the first thing that is wrong, from the bitmaps outwards to the repository. */
function whyNot(
  disk: DiskFacts,
  chain: readonly Segment[],
  holding: readonly PublishedBackup[],
  wanted: string | undefined,
): Reason {
  const all = segmentsOf(disk.bitmaps);
  const segments = all.filter(({ device }) => device === disk.device);
  if (segments.length === 0) return all.length === 0 ? 'no-tracking' : 'image-moved';
  if (segments.some(({ inconsistent }) => inconsistent)) return 'tracking-inconsistent';
  if (chain.length === 0) return 'tracking-broken';
  const reached = holding.filter(({ backupId }) =>
    chain.some((segment) => segment.backupId === backupId),
  );
  if (wanted !== undefined && !reached.some(({ backupId }) => backupId === wanted))
    return 'since-not-tracked';
  if (reached.length > 0) return 'disk-resized';
  return chain.length < segments.length ? 'tracking-broken' : 'parent-not-in-repository';
}
