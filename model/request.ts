import { z } from 'zod';
import { BytesPerSecond, OnError, Quiesce, RequestedKind, Shield, Tier } from './choices.ts';
import { BackupId, VmName } from './names.ts';

/** The input of the workflow `backupVm`. All but `vm` is optional; what is left out comes from the inventory. */
export const BackupRequest = z
  .strictObject({
    vm: VmName.describe('The VM to back up, as the inventory names it.'),
    kind: RequestedKind.default('auto').describe(
      'Which kind of backup. A disk whose changes were not tracked goes full, with the reason.',
    ),
    since: BackupId.optional().describe(
      'For a differential: the backup to start from. Default: the newest full one.',
    ),
    quiesce: Quiesce.optional().describe('Whether to freeze the guest file systems.'),
    shield: Shield.optional().describe('What stands between the guest and the target.'),
    maxBytesPerSecond: BytesPerSecond.optional().describe(
      'How fast each disk is copied at most; 0 is no limit.',
    ),
    onSourceError: OnError.optional().describe('What becomes of a copy that cannot read a disk.'),
    onTargetError: OnError.optional().describe(
      'What becomes of a copy that cannot write to its target.',
    ),
    tier: Tier.optional().describe(
      'How the backup is taken, for tests. Default: the best way of the QEMU.',
    ),
  })
  .refine(({ kind, since }) => since === undefined || kind === 'differential', {
    path: ['since'],
    error: 'only a differential has a `since`: say kind "differential" too',
  });
export type BackupRequest = z.input<typeof BackupRequest>;
export type ParsedRequest = z.output<typeof BackupRequest>;
