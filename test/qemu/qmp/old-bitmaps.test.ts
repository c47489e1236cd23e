import { describe, expect, it } from 'vitest';
import { QmpCommandError, QmpProtocolError } from '../../../qemu/errors.ts';
import type { Args } from '../../../qemu/qmp/commands.ts';
import { spellTransaction } from '../../../qemu/qmp/old-bitmaps.ts';
import type { SeenBitmap } from '../../../qemu/qmp/old-replies.ts';

const node = 'vd0-node';
const add = {
  type: 'block-dirty-bitmap-add',
  data: { node, name: 'tmp', granularity: 65_536 },
} as const;

function mergeOf(...bitmaps: string[]): Args<'transaction'>['actions'][number] {
  return { type: 'block-dirty-bitmap-merge', data: { node, target: 'tmp', bitmaps } };
}

function seen(name: string, does: 'records' | 'rests', count: number): SeenBitmap {
  return { node, name, recording: does === 'records', count };
}

/** The sources that QEMU is told to merge, in their order. */
function sourcesTold(merge: readonly string[], bitmaps: readonly SeenBitmap[]): string[] {
  const { actions } = spellTransaction({ actions: [add, mergeOf(...merge)] }, bitmaps);
  return actions.flatMap(({ type, data }) =>
    type === 'x-block-dirty-bitmap-merge' ? [data.src_name] : [],
  );
}

// QEMU 3.1 empties the target of a merge in a transaction when the source is empty.
describe('a merge in a transaction of QEMU 3.1', () => {
  it('is first of what records and may be empty, and never of what rests and is', () => {
    const bitmaps = [
      seen('old', 'rests', 65_536),
      seen('before', 'rests', 0),
      seen('now', 'records', 0),
      seen('older', 'rests', 131_072),
    ];

    expect(sourcesTold(['old', 'before', 'now', 'older'], bitmaps)).toEqual([
      'now',
      'old',
      'older',
    ]);
  });

  it('is refused of two that each may be empty', () => {
    const bitmaps = [seen('one', 'records', 0), seen('other', 'records', 0)];

    expect(() => sourcesTold(['one', 'other'], bitmaps)).toThrow(QmpProtocolError);
  });

  it('is refused into a bitmap that holds something already', () => {
    const actions = [add, mergeOf('a'), mergeOf('a')];

    expect(() => spellTransaction({ actions }, [seen('a', 'rests', 65_536)])).toThrow(
      QmpProtocolError,
    );
  });

  it('is refused of a bitmap that is not there, which would kill it', () => {
    expect(() => sourcesTold(['gone'], [])).toThrow(QmpCommandError);
  });
});
