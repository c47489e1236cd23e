import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ExportResult, ServedDisk } from '../model/export.ts';
import type { BackupStatus } from './report.ts';

/** The answer to the query `status` of an export. */
export type ExportStatus = BackupStatus & {
  /** Where each disk can be read now. Empty before and after. */
  readonly served: readonly ServedDisk[];
  /** When it ends undone unless it was completed. Known once its disks can be read. */
  readonly servedUntil?: string;
};

/** Asks a backup how far it is. */
export const statusQuery = defineQuery<BackupStatus>('status');

/** Tells a backup that is being cancelled not to wait for its host any longer: the sweep cleans up when the host is back. */
export const abandonSignal = defineSignal('abandon');

/** What `resume` is told; may be left out. With `force` the room in the repository is not looked at. */
export type ResumeRequest = { readonly force?: boolean } | undefined;

/** Tells a backup that waits for an operator to try again. */
export const resumeUpdate = defineUpdate<void, [ResumeRequest]>('resume');

/** Tells a backup that waits for an operator to undo itself. */
export const abortUpdate = defineUpdate<void>('abort');

/** Tells a backup how fast each of its disks is to be copied from now on; 0 is no limit. */
export const bandwidthUpdate = defineUpdate<void, [{ readonly bytesPerSecond: number }]>(
  'setBandwidth',
);
/** Asks an export how far it is, and where its disks can be read. */
export const exportStatusQuery = defineQuery<ExportStatus>('status');

/** The consumer of an export has everything: what it read is confirmed to be exact, and the instant is a checkpoint. */
export const completeUpdate = defineUpdate<ExportResult>('complete');

/** The consumer of an export gives up: all is undone. */
export const discardUpdate = defineUpdate<ExportResult>('discard');
