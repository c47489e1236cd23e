import { QmpCommandError, QmpProtocolError } from '../errors.ts';
import type { Args } from './commands.ts';
import type { OldAction, OldArgs } from './old-commands.ts';
import type { SeenBitmap } from './old-replies.ts';

// The commands on bitmaps as QEMU 3.1 spells them.

/** `disabled` was experimental. */
export function spellAdd({
  disabled,
  ...others
}: Args<'block-dirty-bitmap-add'>): OldArgs<'block-dirty-bitmap-add'> {
  return { ...others, ...(disabled === undefined ? {} : { 'x-disabled': disabled }) };
}

/** One merge for each source. A source on another node cannot be said: `QmpProtocolError`. */
export function spellMerge({
  node,
  target,
  bitmaps,
}: Args<'block-dirty-bitmap-merge'>): OldArgs<'x-block-dirty-bitmap-merge'>[] {
  return bitmaps.map((source) => {
    const { node: from, name } = typeof source === 'string' ? { node, name: source } : source;
    if (from !== node)
      throw new QmpProtocolError(`merge of ${name}: this QEMU merges within one node alone`);
    return { node, dst_name: target, src_name: name };
  });
}

/**
 * What these QEMUs do not know is sent as it is, and refused by them. In a transaction a merge from an empty bitmap empties
 * its target (seen on 3.1 and 4.0, not on 5.2): what may be empty goes first, to a target that is new, and what is known to
 * be is left out. `seen` is what the disks have before it.
 */
export function spellTransaction(
  { actions, ...others }: Args<'transaction'>,
  seen: readonly SeenBitmap[],
): OldArgs<'transaction'> {
  const fresh = new Set<string>();
  return {
    ...others,
    actions: actions.flatMap((action) => {
      if (action.type === 'block-dirty-bitmap-add') fresh.add(keyOf(action.data));
      if (action.type !== 'block-dirty-bitmap-merge') return spell(action);
      const { node, target } = action.data;
      if (!fresh.delete(keyOf({ node, name: target })))
        throw new QmpProtocolError(`merge into ${target}: this QEMU could empty it`);
      return spellSafely(spellMerge(action.data), seen);
    }),
  };
}

function spellSafely(
  merges: readonly OldArgs<'x-block-dirty-bitmap-merge'>[],
  seen: readonly SeenBitmap[],
): OldAction[] {
  const sources = merges.map((data) => ({ data, ...sourceOf(data, seen) }));
  // One that records may have been written to since it was seen, so it is merged all the same.
  const maybeEmpty = sources.filter(({ recording, count }) => recording && count === 0);
  if (maybeEmpty.length > 1)
    throw new QmpProtocolError('merge of bitmaps that record: this QEMU could lose one of them');
  return [...maybeEmpty, ...sources.filter(({ count }) => count > 0)].map(({ data }) => ({
    type: 'x-block-dirty-bitmap-merge',
    data,
  }));
}

function keyOf({ node, name }: { readonly node: string; readonly name: string }): string {
  return `${node} ${name}`;
}

/** A source that is not there would kill this QEMU. */
function sourceOf(
  { node, src_name: name }: OldArgs<'x-block-dirty-bitmap-merge'>,
  seen: readonly SeenBitmap[],
): SeenBitmap {
  const source = seen.find((one) => one.node === node && one.name === name);
  if (source) return source;
  throw new QmpCommandError('transaction', {
    class: 'GenericError',
    desc: `Bitmap '${name}' not found`,
  });
}

type Spelled = Exclude<
  Args<'transaction'>['actions'][number],
  { readonly type: 'block-dirty-bitmap-merge' }
>;

function spell(action: Spelled): OldAction[] {
  switch (action.type) {
    case 'block-dirty-bitmap-add':
      return [{ ...action, data: spellAdd(action.data) }];
    case 'block-dirty-bitmap-enable':
      return [{ type: 'x-block-dirty-bitmap-enable', data: action.data }];
    case 'block-dirty-bitmap-disable':
      return [{ type: 'x-block-dirty-bitmap-disable', data: action.data }];
    case 'block-dirty-bitmap-remove':
      throw new QmpProtocolError('transaction: this QEMU removes bitmaps by plain commands alone');
    case 'block-dirty-bitmap-clear':
    case 'blockdev-backup':
    case 'drive-backup':
    case 'blockdev-snapshot':
      return [action];
  }
}
