import { z } from 'zod';
import { BlockdevBackup, DriveBackup } from './backup.ts';
import { BitmapAdd, BitmapOnNode } from './bitmaps.ts';
import { BlockdevOptions } from './block-nodes.ts';
import { ObjectAdd } from './exports.ts';

const None = z.strictObject({});

/** One source at a time, both on `node`. @see qapi/block-core.json of 3.1, BlockDirtyBitmapMerge */
const OldMerge = z.strictObject({ node: z.string(), dst_name: z.string(), src_name: z.string() });

/** @see qapi/block-core.json of 3.1, BlockDirtyBitmapAdd */
const OldAdd = BitmapAdd.omit({ disabled: true }).extend({ 'x-disabled': z.boolean().optional() });

function action<Type extends string, Data extends z.ZodType>(type: Type, data: Data) {
  return z.strictObject({ type: z.literal(type), data });
}

/** @see qapi/transaction.json of 3.1, TransactionAction */
const OldAction = z.discriminatedUnion('type', [
  action('block-dirty-bitmap-add', OldAdd),
  action('block-dirty-bitmap-clear', BitmapOnNode),
  action('x-block-dirty-bitmap-enable', BitmapOnNode),
  action('x-block-dirty-bitmap-disable', BitmapOnNode),
  action('x-block-dirty-bitmap-merge', OldMerge),
  action('blockdev-backup', BlockdevBackup),
  action('drive-backup', DriveBackup),
  action('blockdev-snapshot', z.strictObject({ node: z.string(), overlay: z.string() })),
]);
export type OldAction = z.input<typeof OldAction>;

/**
 * What QEMU below 5.2 is sent in the place of a command that it has not, spelled as in its own schema. The live test of
 * the table of commands checks this one too.
 */
export const oldCommands = {
  'query-commands': None,
  'query-block': None,
  'query-named-block-nodes': None,
  'query-block-jobs': None,
  'blockdev-add': BlockdevOptions,
  'object-add': z.strictObject({
    'qom-type': z.string(),
    id: z.string(),
    props: ObjectAdd.omit({ 'qom-type': true, id: true }),
  }),
  'block-job-resume': z.strictObject({ device: z.string() }),
  'block-job-cancel': z.strictObject({ device: z.string(), force: z.boolean() }),
  'block-dirty-bitmap-add': OldAdd,
  'x-block-dirty-bitmap-enable': BitmapOnNode,
  'x-block-dirty-bitmap-disable': BitmapOnNode,
  'x-block-dirty-bitmap-merge': OldMerge,
  transaction: z.strictObject({
    actions: z.array(OldAction),
    properties: z.strictObject({ 'completion-mode': z.literal('grouped') }).optional(),
  }),
} satisfies Record<string, z.ZodType>;

export type OldCommand = keyof typeof oldCommands;
/** What one of them takes. */
export type OldArgs<C extends OldCommand> = z.input<(typeof oldCommands)[C]>;
