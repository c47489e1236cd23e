import { z } from 'zod';
import { Quiesce, Shield, type Consistency } from './choices.ts';
import { BackupId, DeviceName, MountPoint, VmName } from './names.ts';

/** The input of the workflow `snapshotVm`. */
export const SnapshotRequest = z.strictObject({
  vm: VmName.describe('The VM to take a snapshot of, as the inventory names it.'),
  quiesce: Quiesce.optional().describe('Whether to freeze the guest file systems.'),
});
export type SnapshotRequest = z.input<typeof SnapshotRequest>;

/** What the guard of an instant has to know of a backup or a snapshot. */
export const GuestPlan = z.object({
  vm: VmName,
  backupId: BackupId.describe('The id of the backup, or of the snapshot.'),
  shield: Shield,
  quiesce: Quiesce,
  freezeMountpoints: z.array(MountPoint).exactOptional(),
  maxFreezeSeconds: z.int().min(1).max(60),
  disks: z
    .array(z.object({ index: z.int().min(0).max(99), virtualBytes: z.int().min(1) }))
    .min(1)
    .max(100),
});
export type GuestPlan = z.infer<typeof GuestPlan>;

/** What `planSnapshot` decided. Names and numbers only: paths are derived on the host. */
export const SnapshotPlan = z.strictObject({
  ...GuestPlan.shape,
  qemuVersion: z.string().max(40),
  warnings: z.array(z.string().max(500)),
  disks: z
    .array(
      z.strictObject({
        index: z.int().min(0).max(99),
        device: DeviceName,
        node: z.string().min(1).max(127).describe('The node that gets the overlay.'),
        virtualBytes: z.int().min(1),
      }),
    )
    .min(1)
    .max(100),
});
export type SnapshotPlan = z.infer<typeof SnapshotPlan>;

/** One disk of a snapshot: the image that holds the instant, and the overlay that the guest writes to from then on. */
export type SnapshotDisk = {
  readonly device: string;
  readonly base: string;
  readonly overlay: string;
};

/** What became of a snapshot on its host. It was taken of all disks, or of none. */
export type SnapshotOutcome = {
  readonly taken: boolean;
  readonly disks: readonly SnapshotDisk[];
  readonly troubles: readonly string[];
};

/** What the workflow `snapshotVm` returns, and what the CLI prints as `finished`. */
export type SnapshotResult = {
  readonly vm: string;
  readonly snapshotId: string;
  readonly consistency: Consistency;
  /** Left out when the step that took it could not tell any more. */
  readonly takenAt?: string;
  readonly frozenMs: number;
  readonly warnings: readonly string[];
  readonly disks: readonly SnapshotDisk[];
};
