import { z } from 'zod';
import { QmpProtocolError } from '../errors.ts';

// What old QEMUs answer, made to look like what newer ones do. Another shape is a `QmpProtocolError`.

/** @see qapi/block-core.json of 3.1, BlockDirtyInfo */
const OldBitmap = z.looseObject({
  /** `active`, `disabled`, `frozen` (a job uses it), `locked` (an export or a migration does). */
  status: z.string().optional(),
  recording: z.boolean().optional(),
});
const Bitmaps = z.array(OldBitmap);
const Nodes = z.array(
  z.looseObject({ 'node-name': z.string().optional(), 'dirty-bitmaps': Bitmaps.optional() }),
);
const Blocks = z.array(
  z.looseObject({
    'dirty-bitmaps': Bitmaps.optional(),
    inserted: z.looseObject({ 'dirty-bitmaps': Bitmaps.optional() }).optional(),
  }),
);

/** What `withBitmapsInserted` makes of `query-block`. */
const Disks = z.array(
  z.object({
    inserted: z
      .object({
        'node-name': z.string().default(''),
        'dirty-bitmaps': z.array(
          z.object({ name: z.string().default(''), recording: z.boolean(), count: z.int() }),
        ),
      })
      .optional(),
  }),
);

/** @see qapi/block-core.json of 2.11, BlockJobInfo */
const Jobs = z.array(
  z.object({
    type: z.string(),
    device: z.string(),
    len: z.int(),
    offset: z.int(),
    paused: z.boolean(),
  }),
);

function read<T>(schema: z.ZodType<T>, reply: unknown): T {
  const read = schema.safeParse(reply);
  if (read.success) return read.data;
  throw new QmpProtocolError('an old QEMU: unexpected answer', { cause: read.error });
}

/**
 * The fields of 4.0, from the `status` of before. A bitmap that a job uses goes on in a successor, which records where the
 * bitmap did; whether it lies in the image is not told, and one that was not closed well is not shown.
 */
function fieldsOf(bitmap: z.infer<typeof OldBitmap>): z.infer<typeof OldBitmap> {
  if (bitmap.recording !== undefined) return bitmap;
  const { status = '' } = bitmap;
  return {
    ...bitmap,
    recording: status === 'active' || status === 'frozen',
    busy: status === 'frozen' || status === 'locked',
    persistent: false,
  };
}

export function withBitmapFields(reply: unknown): unknown {
  return read(Nodes, reply).map((node) => ({
    ...node,
    ...(node['dirty-bitmaps'] && { 'dirty-bitmaps': node['dirty-bitmaps'].map(fieldsOf) }),
  }));
}

/** `query-block` with the bitmaps where 4.2 shows them: at the node. */
export function withBitmapsInserted(reply: unknown): unknown {
  return read(Blocks, reply).map(({ 'dirty-bitmaps': above, inserted, ...block }) => {
    if (!inserted) return block;
    const bitmaps = inserted['dirty-bitmaps'] ?? above ?? [];
    return { ...block, inserted: { ...inserted, 'dirty-bitmaps': bitmaps.map(fieldsOf) } };
  });
}

/** A bitmap of a disk as it was seen. */
export type SeenBitmap = {
  readonly node: string;
  readonly name: string;
  readonly recording: boolean;
  /** In bytes. */
  readonly count: number;
};

/** The bitmaps of all disks, from `query-block`. */
export function bitmapsIn(reply: unknown): SeenBitmap[] {
  return read(Disks, withBitmapsInserted(reply)).flatMap(({ inserted }) =>
    (inserted?.['dirty-bitmaps'] ?? []).map((bitmap) => ({
      node: inserted?.['node-name'] ?? '',
      ...bitmap,
    })),
  );
}

/** `x-debug-query-block-graph`, without its edges. */
export function graphOf(reply: unknown): unknown {
  const names = read(Nodes, reply).map((node) => node['node-name'] ?? '');
  return {
    nodes: names.map((name, id) => ({ id, type: 'block-driver', name })),
    edges: [],
  };
}

/** `query-jobs`, of block jobs alone. */
export function jobsOf(reply: unknown): unknown {
  return read(Jobs, reply).map(({ type, device, len, offset, paused }) => ({
    id: device,
    type,
    status: paused ? 'paused' : 'running',
    'current-progress': offset,
    'total-progress': len,
  }));
}
