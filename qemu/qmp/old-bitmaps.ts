import { QmpProtocolError } from '../errors.ts';
import type { Args } from './commands.ts';
import type { OldAction, OldArgs } from './old-commands.ts';

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

/** What these QEMUs do not know is sent as it is, and refused by them. */
export function spellTransaction({
  actions,
  ...others
}: Args<'transaction'>): OldArgs<'transaction'> {
  return { ...others, actions: actions.flatMap(spell) };
}

function spell(action: Args<'transaction'>['actions'][number]): OldAction[] {
  switch (action.type) {
    case 'block-dirty-bitmap-add':
      return [{ ...action, data: spellAdd(action.data) }];
    case 'block-dirty-bitmap-enable':
      return [{ type: 'x-block-dirty-bitmap-enable', data: action.data }];
    case 'block-dirty-bitmap-disable':
      return [{ type: 'x-block-dirty-bitmap-disable', data: action.data }];
    case 'block-dirty-bitmap-merge':
      return spellMerge(action.data).map((data) => ({ type: 'x-block-dirty-bitmap-merge', data }));
    case 'block-dirty-bitmap-remove':
      throw new QmpProtocolError('transaction: this QEMU removes bitmaps by plain commands alone');
    case 'block-dirty-bitmap-clear':
    case 'blockdev-backup':
    case 'drive-backup':
    case 'blockdev-snapshot':
      return [action];
  }
}
