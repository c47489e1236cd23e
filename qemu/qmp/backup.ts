import { z } from 'zod';

/** @see qapi/block-core.json, BlockdevOnError */
const OnError = z.enum(['report', 'stop', 'enospc']);

/**
 * A backup job from one node to another, both named. With both `auto-` options off it waits in `pending` when it is
 * through, and its end stays to be seen until it is dismissed.
 * @see qapi/block-core.json, BlockdevBackup
 */
export const BlockdevBackup = z.strictObject({
  'job-id': z.string(),
  device: z.string(),
  target: z.string(),
  sync: z.enum(['full', 'top', 'none', 'bitmap', 'incremental']),
  bitmap: z.string().optional(),
  'bitmap-mode': z.enum(['on-success', 'never', 'always']).optional(),
  /** Bytes per second; 0 is no limit. */
  speed: z.int().optional(),
  /** `ignore` tries the same again for ever, and tells of each time. */
  'on-source-error': OnError.optional(),
  'on-target-error': OnError.optional(),
  'auto-finalize': z.boolean().optional(),
  'auto-dismiss': z.boolean().optional(),
  'filter-node-name': z.string().optional(),
  'x-perf': z
    .strictObject({
      'use-copy-range': z.boolean().optional(),
      'max-workers': z.int().optional(),
      'max-chunk': z.int().optional(),
    })
    .optional(),
});

/**
 * A backup job that opens its target by itself, as QEMU below 3.1 needs for an incremental one.
 * @see qapi/block-core.json, DriveBackup
 */
export const DriveBackup = z.strictObject({
  'job-id': z.string(),
  device: z.string(),
  /** A file's name, or `json:` and a description as `blockdev-add` takes. */
  target: z.string(),
  format: z.string(),
  mode: z.enum(['existing', 'absolute-paths']),
  sync: z.enum(['full', 'incremental']),
  bitmap: z.string().optional(),
  speed: z.int().optional(),
  'on-source-error': OnError.optional(),
  'on-target-error': OnError.optional(),
});
