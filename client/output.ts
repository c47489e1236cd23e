import type { Manifest } from '../model/manifest.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { ExportResult, ServedDisk } from '../model/export.ts';
import type { BackupResult, Phase } from '../model/result.ts';
import type { SnapshotResult } from '../model/snapshot.ts';
import type { Check } from './doctor/check.ts';
import type { VmStatus } from './vm-status.ts';

/** One backup in the repository, as `stillpoint backups` tells it. */
export type BackupLine = Pick<
  Manifest,
  'vm' | 'backupId' | 'kind' | 'parent' | 'takenAt' | 'consistency' | 'frozenMs' | 'pausedMs'
> & { readonly bytes: number; readonly devices: readonly string[]; readonly warnings: string[] };

/** One checkpoint in the repository, as `stillpoint backups` tells it. */
export type CheckpointLine = Pick<
  Checkpoint,
  'vm' | 'backupId' | 'kind' | 'parent' | 'takenAt' | 'consistency'
> & { readonly devices: readonly string[] };

/** One disk that `stillpoint restore` has written. */
export type RestoredDisk = { readonly device: string; readonly file: string };

/** What the last line of a command that did its work holds, by command. */
export type Finished =
  | BackupResult
  | SnapshotResult
  | ExportResult
  | { readonly vm: string; readonly forgotten: string }
  | { readonly vm: string; readonly workflowId: string; readonly detached: true }
  | {
      readonly vm: string;
      readonly workflowId: string;
      readonly cancelling: true;
      readonly abandoned: boolean;
    }
  | { readonly vm: string; readonly workflowId: string; readonly resumed: true }
  | { readonly vm: string; readonly workflowId: string; readonly aborted: true }
  | { readonly vm: string; readonly workflowId: string; readonly bytesPerSecond: number }
  | { readonly backups: number }
  | { readonly running: number }
  | { readonly problems: number; readonly warnings: number }
  | {
      readonly vm: string;
      readonly backupId: string;
      readonly format: 'qcow2' | 'raw';
      readonly restored: readonly RestoredDisk[];
    }
  | { readonly worker: 'stopped' };

/** A line of output. `--json` prints it as it is, so fields may be added but not renamed. */
export type Message =
  | { type: 'started'; vm: string; workflowId: string; runId: string }
  | { type: 'phase'; vm: string; phase: Phase }
  | {
      type: 'progress';
      vm: string;
      step: 'copying' | 'verifying' | 'converting' | 'comparing';
      device?: string;
      doneBytes: number;
      totalBytes: number;
      percent: number;
    }
  | { type: 'waiting'; vm: string; taskQueue: string; pollers: number }
  | { type: 'retrying'; vm: string; activity: string; attempt: number; error: ErrorLine }
  | { type: 'note'; message: string }
  | ({ type: 'backup' } & BackupLine)
  | ({ type: 'checkpoint' } & CheckpointLine)
  | { type: 'served'; vm: string; disks: readonly ServedDisk[] }
  | { type: 'broken'; vm: string; backupId?: string; file: string; problem: string }
  | ({ type: 'status' } & VmStatus)
  | ({ type: 'check' } & Check)
  | ({ type: 'restored'; vm: string; alreadyThere: boolean } & RestoredDisk)
  | ({ type: 'finished' } & Finished)
  | { type: 'failed'; error: ErrorLine };

type ErrorLine = { readonly type: string; readonly message: string };
