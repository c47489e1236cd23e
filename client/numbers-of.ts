import type { ExportResult } from '../model/export.ts';
import type { BackupResult } from '../model/result.ts';
import type { VmStatus } from './vm-status.ts';

/** What a status tells of the result of a run: of a snapshot, or of a workflow that is not ours, what there is. */
export function numbersOf(result: unknown): Partial<VmStatus> {
  const { backupId, kind, consistency, frozenMs, pausedMs, outcome } = (result ?? {}) as Partial<
    BackupResult & ExportResult
  >;
  return {
    ...(backupId !== undefined && { backupId }),
    ...(kind !== undefined && { kind }),
    ...(consistency !== undefined && { consistency }),
    ...(frozenMs !== undefined && { frozenMs }),
    ...(pausedMs !== undefined && { pausedMs }),
    ...(outcome !== undefined && { outcome }),
  };
}
