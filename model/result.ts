import type { Consistency, Kind, Reason } from './choices.ts';
import type { Frozen } from './instant.ts';

/** What the workflow `backupVm` returns, and what the CLI prints as `finished`. */
export type BackupResult = {
  readonly vm: string;
  readonly backupId: string;
  readonly kind: Kind;
  readonly parent: string | null;
  readonly consistency: Consistency;
  readonly frozenMs: number;
  readonly pausedMs: number;
  /** What was frozen, if anything. */
  readonly frozen?: Frozen | undefined;
  readonly warnings: readonly string[];
  readonly disks: readonly {
    readonly device: string;
    readonly kind: Kind;
    readonly reason: Reason;
    readonly bytes: number;
    readonly file: string;
  }[];
};

/** The steps of a backup, in their order; the search attribute `StillpointPhase` and `stillpoint status` show one. */
export type Phase =
  | 'locating'
  | 'planning'
  | 'following'
  | 'preparing'
  | 'freezing'
  | 'instant'
  | 'thawing'
  | 'starting'
  | 'copying'
  | 'waiting'
  | 'serving'
  | 'closing'
  | 'committing'
  | 'publishing'
  | 'rolling-back'
  | 'rolled-back'
  | 'not-undone'
  | 'done';
