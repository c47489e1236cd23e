import { z } from 'zod';
import { Quiesce, type Consistency, type Kind, type Reason } from './choices.ts';
import { BackupId, VmName } from './names.ts';

/** The input of the workflow `exportBackup`. All but `vm` is optional; what is left out comes from the inventory. */
export const ExportRequest = z
  .strictObject({
    vm: VmName.describe('The VM to export, as the inventory names it.'),
    kind: z
      .enum(['auto', 'full', 'incremental'])
      .default('auto')
      .describe(
        'Whether the changes are told. A disk whose changes were not tracked goes full, with the reason.',
      ),
    since: BackupId.optional().describe(
      'The checkpoint or the backup since which the changes are told. Default: the newest checkpoint.',
    ),
    quiesce: Quiesce.optional().describe('Whether to freeze the guest file systems.'),
  })
  .refine(({ kind, since }) => since === undefined || kind !== 'full', {
    path: ['since'],
    error: 'a full export has no `since`: leave one of them out',
  });
export type ExportRequest = z.input<typeof ExportRequest>;

/** What is decided of one disk of an export. */
type ExportedDisk = {
  readonly device: string;
  readonly kind: Kind;
  readonly reason: Reason;
  /** The checkpoint or backup since which its changes are told; null for a full one. */
  readonly parent: string | null;
};

/** A disk that can be read over NBD now. */
export type ServedDisk = ExportedDisk & {
  readonly virtualBytes: number;
  readonly uri: string;
  /** The metadata context that marks what has changed since the parent; null for a full one. */
  readonly context: string | null;
};

/** What the workflow `exportBackup` returns. A completed export is a checkpoint, a discarded one has left nothing. */
export type ExportResult = {
  readonly vm: string;
  readonly backupId: string;
  readonly outcome: 'completed' | 'discarded';
  readonly kind: Kind;
  readonly parent: string | null;
  readonly consistency: Consistency;
  readonly frozenMs: number;
  readonly pausedMs: number;
  readonly warnings: readonly string[];
  readonly disks: readonly ExportedDisk[];
};
