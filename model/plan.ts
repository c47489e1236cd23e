import { z } from 'zod';
import { BytesPerSecond, Kind, OnError, Quiesce, Reason, Shield, Tier } from './choices.ts';
import { BackupId, DeviceName, MountPoint, VmName } from './names.ts';

const NodeName = z.string().min(1).max(127);

/** Seen on the disk's node: names of bitmaps only ever reach QEMU if it shows them again. */
const BitmapName = z.string().min(1).max(1023);

/** Where tracking lies that is to be carried over to a disk's own node. */
const TrackingBelow = z.strictObject({
  from: NodeName.describe('The node that has the segments.'),
  overlays: z.array(NodeName).min(1).describe('The nodes above it, the own one first.'),
  segments: z
    .array(z.strictObject({ name: BitmapName, recording: z.boolean() }))
    .min(1)
    .describe('The chain, newest first.'),
});

/** What is to happen to one disk. Names and numbers only: paths are derived on the host. */
export const DiskPlan = z.strictObject({
  index: z.int().min(0).max(99).describe('Position in the plan; part of node and job names.'),
  device: DeviceName,
  node: NodeName.describe('The node that the guest device writes to.'),
  virtualBytes: z.int().min(1),
  persistent: z.boolean().describe('Whether the new segment is kept in the image (qcow2).'),
  kind: Kind,
  reason: Reason,
  parent: BackupId.nullable().describe('The backup this one builds on; null for a full one.'),
  previous: BackupId.nullable().describe('The predecessor that the new segment names.'),
  merge: z.array(BitmapName).describe('The segments whose union is copied; empty for a full one.'),
  expectedBytes: z.int().min(0),
  below: TrackingBelow.optional().describe(
    'Tracking that an external snapshot has left below the node, to be carried over to it.',
  ),
});
export type DiskPlan = z.infer<typeof DiskPlan>;

/** What `planBackup` decided. Every later activity takes it, checks it and looks at QEMU again before it acts. */
export const BackupPlan = z.strictObject({
  vm: VmName,
  backupId: BackupId,
  qemuVersion: z.string().max(40),
  shield: Shield,
  tier: Tier.optional().describe('How it is taken. Plans of older versions name the shield alone.'),
  quiesce: Quiesce,
  served: z
    .boolean()
    .exactOptional()
    .describe('Whether a consumer reads the disks over NBD, and nothing is copied.'),
  secondPass: z
    .boolean()
    .describe('Whether this QEMU needs the copy of the scratch over the target.'),
  kind: Kind,
  parent: BackupId.nullable(),
  freezeMountpoints: z
    .array(MountPoint)
    .exactOptional()
    .describe('What alone is to be frozen. Left out: all file systems.'),
  maxFreezeSeconds: z.int().min(1).max(60),
  targetStallSeconds: z.int().min(1).max(86_400),
  maxBytesPerSecond: BytesPerSecond.exactOptional().describe('Of each disk. Left out: no limit.'),
  onSourceError: OnError.exactOptional().describe('Left out: `report`.'),
  onTargetError: OnError.exactOptional().describe('Left out: `report`.'),
  operatorWaitSeconds: z.int().min(1).max(604_800).exactOptional(),
  expectedBytes: z.int().min(0),
  warnings: z.array(z.string().max(500)),
  disks: z.array(DiskPlan).min(1).max(100),
});
export type BackupPlan = z.infer<typeof BackupPlan>;
