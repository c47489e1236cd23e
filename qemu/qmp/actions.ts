import { z } from 'zod';
import { BlockdevBackup, DriveBackup } from './backup.ts';
import { BitmapAdd, BitmapMerge, BitmapOnNode } from './bitmaps.ts';

function action<Type extends string, Data extends z.ZodType>(type: Type, data: Data) {
  return z.strictObject({ type: z.literal(type), data });
}

/**
 * One action of a `transaction`. A `block-dirty-bitmap-enable` of a bitmap that is not there kills QEMU, so every
 * bitmap that is named must have been seen just before.
 * @see qapi/transaction.json, TransactionAction
 */
export const TransactionAction = z.discriminatedUnion('type', [
  action('block-dirty-bitmap-add', BitmapAdd),
  action('block-dirty-bitmap-remove', BitmapOnNode),
  action('block-dirty-bitmap-clear', BitmapOnNode),
  action('block-dirty-bitmap-enable', BitmapOnNode),
  action('block-dirty-bitmap-disable', BitmapOnNode),
  action('block-dirty-bitmap-merge', BitmapMerge),
  action('blockdev-backup', BlockdevBackup),
  action('drive-backup', DriveBackup),
  action('blockdev-snapshot', z.strictObject({ node: z.string(), overlay: z.string() })),
]);
export type TransactionAction = z.input<typeof TransactionAction>;
