import { z } from 'zod';
import { Manifest, ManifestDisk } from './manifest.ts';

/** One disk of an export: what was served of it, and the segment that records since. */
export const CheckpointDisk = ManifestDisk.omit({ bytes: true, sha256: true, file: true });

/**
 * `<backupId>.checkpoint.json`: an export whose consumer said that it has everything. It has no data here: a later export
 * may be incremental to it, and never a backup.
 */
export const Checkpoint = Manifest.omit({ publishedAt: true, shield: true, disks: true }).extend({
  completedAt: z.iso.datetime(),
  disks: z.array(CheckpointDisk).min(1),
});
export type Checkpoint = z.infer<typeof Checkpoint>;
