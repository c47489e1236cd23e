import { z } from 'zod';
import { BitmapOnNode } from './bitmaps.ts';

// The nodes that `blockdev-add` makes. A child is given by the name of its node, or described in its place.

const NodeName = z.string();

const Every = {
  /** 31 characters at most, a letter first. */
  'node-name': NodeName.optional(),
  'read-only': z.boolean().optional(),
  'auto-read-only': z.boolean().optional(),
  discard: z.enum(['ignore', 'unmap']).optional(),
  'force-share': z.boolean().optional(),
  'detect-zeroes': z.enum(['off', 'on', 'unmap']).optional(),
  cache: z
    .strictObject({ direct: z.boolean().optional(), 'no-flush': z.boolean().optional() })
    .optional(),
};

/** @see qapi/block-core.json, BlockdevOptionsFile */
const File = z.strictObject({
  driver: z.literal('file'),
  ...Every,
  filename: z.string(),
  locking: z.enum(['auto', 'on', 'off']).optional(),
});

/** @see qapi/sockets.json, SocketAddress */
const SocketAddress = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('unix'), path: z.string() }),
  z.strictObject({ type: z.literal('inet'), host: z.string(), port: z.string() }),
]);

/** @see qapi/block-core.json, BlockdevOptionsNbd */
const Nbd = z.strictObject({
  driver: z.literal('nbd'),
  ...Every,
  server: SocketAddress,
  export: z.string().optional(),
  /** Seconds for which requests wait for a lost server to come back. */
  'reconnect-delay': z.int().optional(),
});

/** @see qapi/block-core.json, BlockdevOptionsNull */
const NullCo = z.strictObject({
  driver: z.literal('null-co'),
  ...Every,
  size: z.int().optional(),
  'read-zeroes': z.boolean().optional(),
});

const Protocol = z.discriminatedUnion('driver', [File, Nbd, NullCo]);

/** `size` limits the node to so many bytes of its child. @see qapi/block-core.json, BlockdevOptionsRaw */
const Raw = z.strictObject({
  driver: z.literal('raw'),
  ...Every,
  offset: z.int().optional(),
  size: z.int().optional(),
  file: z.union([NodeName, Protocol]),
});

/** Passes all on as it is, unless it is told to fail; it offloads no copies. @see qapi/block-core.json, BlockdevOptionsBlkdebug */
const Blkdebug = z.strictObject({
  driver: z.literal('blkdebug'),
  ...Every,
  image: Raw,
});

/** @see qapi/block-core.json, BlockdevOptionsQcow2 */
const Qcow2 = z.strictObject({
  driver: z.literal('qcow2'),
  ...Every,
  file: z.union([NodeName, Protocol, Raw, Blkdebug]),
  /** null opens the image without the backing file that it records. */
  backing: z.union([NodeName, z.null()]).optional(),
});

/** `cbw-timeout` in seconds, at most 4: 7.2 overflows. @see qapi/block-core.json, BlockdevOptionsCbw (7.1 and newer) */
const CopyBeforeWrite = z.strictObject({
  driver: z.literal('copy-before-write'),
  ...Every,
  file: NodeName,
  target: NodeName,
  bitmap: BitmapOnNode.optional(),
  'on-cbw-error': z.enum(['break-guest-write', 'break-snapshot']).optional(),
  'cbw-timeout': z.int().min(0).max(4).optional(),
});

/** @see qapi/block-core.json, BlockdevDriver snapshot-access (7.0 and newer) */
const SnapshotAccess = z.strictObject({
  driver: z.literal('snapshot-access'),
  ...Every,
  file: NodeName,
});

/** @see qapi/block-core.json, BlockdevOptions */
export const BlockdevOptions = z.discriminatedUnion('driver', [
  File,
  Nbd,
  NullCo,
  Raw,
  Qcow2,
  CopyBeforeWrite,
  SnapshotAccess,
]);
export type BlockdevOptions = z.input<typeof BlockdevOptions>;
