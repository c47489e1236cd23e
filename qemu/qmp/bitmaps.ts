import { z } from 'zod';

// The arguments of the commands on dirty bitmaps, plain and in a transaction.

/** @see qapi/block-core.json, BlockDirtyBitmap */
export const BitmapOnNode = z.strictObject({ node: z.string(), name: z.string() });

/** @see qapi/block-core.json, BlockDirtyBitmapAdd */
export const BitmapAdd = z.strictObject({
  node: z.string(),
  name: z.string(),
  /** In bytes. Always given: QEMU's default follows the image's cluster size, down to 4096. */
  granularity: z.int(),
  persistent: z.boolean().optional(),
  disabled: z.boolean().optional(),
});

/** `bitmaps` are names on `node`, or name their own node. @see qapi/block-core.json, BlockDirtyBitmapMerge */
export const BitmapMerge = z.strictObject({
  node: z.string(),
  target: z.string(),
  bitmaps: z.array(z.union([z.string(), BitmapOnNode])),
});
