import type { Checkpoint } from '../model/checkpoint.ts';
import type { InstantRecord } from '../model/instant.ts';
import type { Manifest, RepositoryMark } from '../model/manifest.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { Survey } from './list.ts';
import type { Origin } from './publish.ts';

/** How long to wait for an answer. */
export type CallOptions = {
  /** Ends the wait with the signal's reason. What was asked may have happened. */
  readonly signal?: AbortSignal | undefined;
  /** The longest silence: without an answer, or a sign of progress from the calls that read whole disks. */
  readonly deadlineMs?: number;
};

/** Options of the calls that read whole disks. */
export type ReadingOptions = CallOptions & {
  /** Called now and then with all bytes read so far. */
  readonly onProgress?: (doneBytes: number) => void;
};

/**
 * Where backups rest. Every call ends in time, with a `RepositoryUnreachableError` if the repository hangs, and every
 * call may run again. Beside what is said here, a call can fail with any `RepositoryAccessError`.
 */
export interface Repository {
  /** The folder, absolutely. */
  readonly folder: string;
  /** @see openRepository */
  open(create: boolean, options?: CallOptions): Promise<RepositoryMark>;
  /** Any broken backup is an error. @see listBackups */
  list(vm?: string, options?: CallOptions): Promise<readonly Manifest[]>;
  /** Broken backups are told. Plan from `soundBackups` of its `backups`. @see surveyBackups */
  survey(vm?: string, options?: CallOptions): Promise<Survey>;
  /** Fails with a `NoSpaceError` when less than that is free. @see checkSpace */
  checkSpace(neededBytes: number, options?: CallOptions): Promise<void>;
  /** The folder to write the backup in; `targetPath` names the files. @see preparePartial */
  prepare(vm: string, backupId: string, options?: CallOptions): Promise<string>;
  /** @see publish */
  publish(
    plan: BackupPlan,
    instant: InstantRecord,
    origin: Origin,
    options?: ReadingOptions,
  ): Promise<Manifest>;
  /** Keeps the newest `keep` of the VM. @see recordCheckpoint */
  recordCheckpoint(
    plan: BackupPlan,
    instant: InstantRecord,
    origin: Origin,
    keep: number,
    options?: CallOptions,
  ): Promise<Checkpoint>;
  /** @see forgetCheckpoint */
  forgetCheckpoint(vm: string, backupId: string, options?: CallOptions): Promise<void>;
  /** @see listPartials */
  listPartials(vm: string, options?: CallOptions): Promise<string[]>;
  /** @see removePartial */
  removePartial(vm: string, backupId: string, options?: CallOptions): Promise<void>;
  /** @see deleteBackup */
  delete(vm: string, backupId: string, options?: CallOptions): Promise<void>;
  /** @see verifyDigests */
  verify(vm: string, backupId: string, options?: ReadingOptions): Promise<void>;
  /** Ends what waits for the repository's answers. Calls still under way fail. */
  close(): void;
}
