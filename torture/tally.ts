import type { FaultKind } from './story.ts';

/** How a backup ended. */
export type End = 'completed' | 'rolled back' | 'terminated';

/** What a campaign has seen. */
export class Tally {
  stories = 0;
  disksCompared = 0;
  bytesCompared = 0;
  /** Backups by what they turned out to be, or by how they ended. */
  readonly backups: Record<string, number> = {};
  readonly shields: Record<string, number> = {};
  readonly disks: Record<string, number> = {};
  readonly faults: Partial<Record<FaultKind, Record<string, number>>> = {};
  /** What failed the backups that were rolled back. */
  readonly failures: Record<string, number> = {};
  readonly happenings: Record<string, number> = {};

  get completed(): number {
    const { full = 0, incremental = 0, differential = 0 } = this.backups;
    return full + incremental + differential;
  }

  count(of: 'backups' | 'shields' | 'disks' | 'failures' | 'happenings', what: string): void {
    this[of][what] = (this[of][what] ?? 0) + 1;
  }

  fault(kind: FaultKind, end: End | 'not hit'): void {
    const ends = (this.faults[kind] ??= {});
    ends[end] = (ends[end] ?? 0) + 1;
  }

  get faultsHit(): number {
    return Object.values(this.faults)
      .flatMap((ends) => Object.entries(ends))
      .reduce((total, [end, count]) => total + (end === 'not hit' ? 0 : count), 0);
  }
}
