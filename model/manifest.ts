import { z } from 'zod';
import { Consistency, Kind, Reason, Shield, Tier } from './choices.ts';
import { Frozen } from './instant.ts';
import { BackupId, DeviceName, VmName } from './names.ts';

/** One disk of a published backup. */
export const ManifestDisk = z.strictObject({
  device: DeviceName,
  node: z.string(),
  virtualBytes: z.int().min(1),
  kind: Kind,
  reason: Reason,
  parent: BackupId.nullable().describe(
    'The backup whose file of the same device is the backing file.',
  ),
  bitmap: z.string().describe('The segment that records since this backup.'),
  bytes: z.int().min(0).describe('Size of the file.'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('Of the file as published.'),
  file: z.string().describe('Relative to the manifest.'),
});
export type ManifestDisk = z.infer<typeof ManifestDisk>;

/** `manifest.json`: written last, so a folder that has one is a complete backup. */
export const Manifest = z.strictObject({
  formatVersion: z.literal(1),
  vm: VmName,
  backupId: BackupId,
  host: z.string(),
  qemuVersion: z.string(),
  workflowId: z.string(),
  runId: z.string(),
  kind: Kind,
  parent: BackupId.nullable(),
  takenAt: z.iso.datetime(),
  publishedAt: z.iso.datetime(),
  consistency: Consistency,
  shield: Shield,
  tier: Tier.optional().describe('How the backup was taken. Older versions have not recorded it.'),
  frozenMs: z.number().min(0),
  pausedMs: z.number().min(0),
  frozen: Frozen.optional().describe('What was frozen; left out when nothing was.'),
  warnings: z.array(z.string()),
  disks: z.array(ManifestDisk).min(1),
});
export type Manifest = z.infer<typeof Manifest>;

/** `repository.json`: what makes a folder a repository. */
export const RepositoryMark = z.strictObject({
  formatVersion: z.literal(1),
  repositoryId: z.uuid(),
});
export type RepositoryMark = z.infer<typeof RepositoryMark>;
