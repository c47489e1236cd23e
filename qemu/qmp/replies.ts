import { z } from 'zod';

// What QEMU answers, as far as it is read. Unknown fields are dropped; a field that only some versions send is optional.

export const Nothing = z.object({});

/** @see qapi/control.json, VersionInfo */
export const VersionInfo = z.object({
  qemu: z.object({ major: z.int(), minor: z.int(), micro: z.int() }),
  package: z.string(),
});

/** `status` is `running`, `paused`, `prelaunch`, `io-error` and others. @see qapi/run-state.json, StatusInfo */
export const StatusInfo = z.object({ status: z.string(), running: z.boolean() });

/** `count` is an estimate of the dirty bytes. @see qapi/block-core.json, BlockDirtyInfo */
export const BlockDirtyInfo = z.object({
  name: z.string().optional(),
  count: z.int(),
  granularity: z.int(),
  recording: z.boolean(),
  busy: z.boolean(),
  persistent: z.boolean(),
  /** Present only when true: it cannot be used any more, only removed. */
  inconsistent: z.boolean().optional(),
});
export type BlockDirtyInfo = z.infer<typeof BlockDirtyInfo>;

/** @see qapi/block-core.json, ImageInfo */
export const ImageInfo = z.object({
  filename: z.string(),
  format: z.string(),
  'virtual-size': z.int(),
  'actual-size': z.int().optional(),
  'cluster-size': z.int().optional(),
  'backing-filename': z.string().optional(),
});

/** @see qapi/block-core.json, BlockDeviceInfo */
export const BlockDeviceInfo = z.object({
  'node-name': z.string().optional(),
  drv: z.string(),
  ro: z.boolean(),
  file: z.string(),
  image: ImageInfo.optional(),
  cache: z.object({ direct: z.boolean(), 'no-flush': z.boolean() }).optional(),
  detect_zeroes: z.enum(['off', 'on', 'unmap']).optional(),
  'dirty-bitmaps': z.array(BlockDirtyInfo).optional(),
  /** 11.1 and newer. */
  children: z.array(z.object({ child: z.string(), 'node-name': z.string().optional() })).optional(),
});
export type BlockDeviceInfo = z.infer<typeof BlockDeviceInfo>;

/** @see qapi/block-core.json, BlockInfo */
export const BlockInfo = z.object({
  /** Empty for a device that was attached with `-blockdev`. */
  device: z.string(),
  /** The device's id or its path in the object tree. */
  qdev: z.string().optional(),
  removable: z.boolean(),
  locked: z.boolean().optional(),
  /** Missing when there is no medium. */
  inserted: BlockDeviceInfo.optional(),
});
export type BlockInfo = z.infer<typeof BlockInfo>;

/** @see qapi/block-core.json, XDbgBlockGraph */
export const BlockGraph = z.object({
  nodes: z.array(z.object({ id: z.int(), type: z.string(), name: z.string() })),
  edges: z.array(
    z.object({
      parent: z.int(),
      child: z.int(),
      name: z.string(),
      perm: z.array(z.string()),
      'shared-perm': z.array(z.string()),
    }),
  ),
});
export type BlockGraph = z.infer<typeof BlockGraph>;

/** For backup jobs both progresses are bytes. @see qapi/job.json, JobInfo */
export const JobInfo = z.object({
  id: z.string(),
  type: z.string(),
  status: z.string(),
  'current-progress': z.int(),
  'total-progress': z.int(),
  /** Present only when the job has failed. */
  error: z.string().optional(),
});
export type JobInfo = z.infer<typeof JobInfo>;

/** @see qapi/block-core.json, BlockJobInfo */
export const BlockJobInfo = z.object({
  type: z.string(),
  device: z.string(),
  len: z.int(),
  offset: z.int(),
  busy: z.boolean(),
  paused: z.boolean(),
  /** `ok`, or why it was paused: `nospace`, `failed`. Resuming it makes it `ok`. */
  'io-status': z.string().optional(),
  speed: z.int(),
  /** 2.12 and newer. */
  status: z.string().optional(),
  error: z.string().optional(),
});

/** @see qapi/block-export.json, BlockExportInfo */
export const BlockExportInfo = z.object({
  id: z.string(),
  type: z.string(),
  'node-name': z.string(),
  'shutting-down': z.boolean(),
});

/** @see qapi/block-core.json, BlockStats */
export const BlockStats = z.object({
  device: z.string().optional(),
  qdev: z.string().optional(),
  'node-name': z.string().optional(),
  stats: z.object({
    rd_bytes: z.int(),
    wr_bytes: z.int(),
    rd_operations: z.int(),
    wr_operations: z.int(),
    /** The highest offset that was written, in bytes. */
    wr_highest_offset: z.int(),
  }),
});

/** Something that `yank` can free. @see qapi/yank.json, YankInstance */
export const YankInstanceInfo = z.object({
  /** `block-node`, `chardev` or `migration`. */
  type: z.string(),
  'node-name': z.string().optional(),
  id: z.string().optional(),
});

/** @see qapi/char.json, ChardevInfo */
export const ChardevInfo = z.object({
  label: z.string(),
  filename: z.string(),
  'frontend-open': z.boolean(),
});

/** @see qapi/misc.json, IOThreadInfo */
export const IothreadInfo = z.object({ id: z.string() });

/** One type of QEMU's schema; which fields there are depends on `meta-type`. @see qapi/introspect.json, SchemaInfo */
export const SchemaInfo = z.object({
  name: z.string(),
  'meta-type': z.string(),
  'arg-type': z.string().optional(),
  'ret-type': z.string().optional(),
  'element-type': z.string().optional(),
  'json-type': z.string().optional(),
  'allow-oob': z.boolean().optional(),
  tag: z.string().optional(),
  values: z.array(z.string()).optional(),
  /** The mere presence of `default`, which is null, says that a member is optional. */
  members: z
    .array(
      z.object({
        name: z.string().optional(),
        type: z.string().optional(),
        default: z.null().optional(),
        features: z.array(z.string()).optional(),
      }),
    )
    .optional(),
  variants: z.array(z.object({ case: z.string(), type: z.string() })).optional(),
  features: z.array(z.string()).optional(),
});
export type SchemaInfo = z.infer<typeof SchemaInfo>;
