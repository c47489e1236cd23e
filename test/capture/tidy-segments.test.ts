import { describe, expect, it } from 'vitest';
import { dropOldSegments, tidySegments } from '../../capture/tidy-segments.ts';
import { QmpCommandError } from '../../qemu/errors.ts';
import { FakeVm } from './fake-vm.ts';
import { monday, mondayOf, ofMonday, ofTuesday, ofWednesday, tuesday } from './sample.ts';
import { putFilter, putSegments } from './scenes.ts';

const published =
  (...ids: readonly string[]) =>
  (backupId: string) =>
    ids.includes(backupId);

/** After a death of Wednesday's backup, with its instant taken. */
function afterDeath(): FakeVm {
  const vm = new FakeVm();
  vm.bitmaps.put('vd0-node', ofMonday, { recording: false });
  vm.bitmaps.put('vd0-node', ofTuesday, { recording: false });
  vm.bitmaps.put('vd0-node', ofWednesday);
  vm.bitmaps.put('vd0-node', 'theirs');
  return vm;
}

const tidied = [
  [ofMonday, false],
  [ofTuesday, true],
  ['theirs', true],
];
function bitmapsOf(vm: FakeVm, node = 'vd0-node') {
  return vm.bitmaps.on(node).map(({ name, recording }) => [name, recording]);
}

describe('tidySegments', () => {
  it('lets the predecessor record before it merges into it, and removes the new one last', async () => {
    const vm = afterDeath();

    await tidySegments(await vm.open(), published(monday, tuesday));

    expect(vm.log).toEqual([
      `block-dirty-bitmap-enable ${ofTuesday}`,
      'block-dirty-bitmap-merge',
      `block-dirty-bitmap-remove ${ofWednesday}`,
    ]);
    expect(vm.sent('block-dirty-bitmap-merge')).toEqual([
      { node: 'vd0-node', target: ofTuesday, bitmaps: [ofWednesday] },
    ]);
    expect(bitmapsOf(vm)).toEqual(tidied);
  });

  it('is finished by the next one, at whatever command it dies', async () => {
    for (const endsAt of [0, 1, 2]) {
      const vm = afterDeath();
      vm.endsAt = endsAt;
      await tidySegments(await vm.open(), published(monday, tuesday)).catch(() => undefined);

      vm.endsAt = undefined;
      await tidySegments(await vm.open(), published(monday, tuesday));

      expect(bitmapsOf(vm), `died at ${endsAt}`).toEqual(tidied);
    }
  });

  it('sends nothing when all is in order', async () => {
    const vm = new FakeVm();
    putSegments(vm, 0, 1);

    await tidySegments(await vm.open(), published(monday, tuesday));

    expect(vm.log).toEqual([]);
  });

  it('tidies each disk alone', async () => {
    const vm = afterDeath();
    vm.bitmaps.put('vd1-node', ofTuesday, { inconsistent: true, recording: false });

    await tidySegments(await vm.open(), published(monday, tuesday));

    expect(bitmapsOf(vm)).toEqual(tidied);
    expect(bitmapsOf(vm, 'vd1-node')).toEqual([]);
  });

  it('removes what an image brings along from the device that it had before', async () => {
    const vm = new FakeVm();
    putSegments(vm, 0);
    vm.bitmaps.put('vd1-node', ofTuesday);

    await tidySegments(await vm.open(), published(monday, tuesday));

    expect(vm.sent('block-dirty-bitmap-remove')).toEqual([{ node: 'vd1-node', name: ofTuesday }]);
  });

  it('tidies the disk below a filter that is still there', async () => {
    const vm = new FakeVm();
    putSegments(vm, 0);
    putFilter(vm, 0);

    await tidySegments(await vm.open(), published(tuesday));

    expect(vm.sent('block-dirty-bitmap-remove').map(({ node }) => node)).toEqual(['vd0-node']);
  });

  it('uses plain commands alone, which a missing bitmap makes fail and not QEMU die', async () => {
    const vm = afterDeath();
    vm.before['block-dirty-bitmap-enable'] = (bitmap) => vm.bitmaps.remove(bitmap);

    const tidying = tidySegments(await vm.open(), published(monday, tuesday));

    await expect(tidying).rejects.toBeInstanceOf(QmpCommandError);
    expect(vm.sent('transaction')).toEqual([]);
  });

  it('does not trust a predecessor that records again when the new one is gone before it is merged', async () => {
    const vm = afterDeath();
    vm.before['block-dirty-bitmap-merge'] = () =>
      vm.bitmaps.remove({ node: 'vd0-node', name: ofWednesday });
    await tidySegments(await vm.open(), published(monday, tuesday)).catch(() => undefined);

    await tidySegments(await vm.open(), published(monday, tuesday));

    expect(bitmapsOf(vm)).toEqual([['theirs', true]]);
  });

  it('names no bitmap that it has not seen', async () => {
    const vm = afterDeath();
    const seen = vm.bitmaps.on('vd0-node').map(({ name }) => name);

    await tidySegments(await vm.open(), published(monday));

    const named = vm.done.flatMap(({ args }) => ('name' in args ? [args.name] : []));
    expect(named.length).toBeGreaterThan(0);
    expect(seen).toEqual(expect.arrayContaining(named));
  });
});

describe('dropOldSegments', () => {
  it('removes the oldest, and never the one that records', async () => {
    const vm = new FakeVm();
    putSegments(vm, 0, 1);

    await dropOldSegments(await vm.open(), published(monday, tuesday), 1);

    expect(vm.log).toEqual([
      `block-dirty-bitmap-remove ${ofMonday}`,
      `block-dirty-bitmap-remove ${mondayOf('vd1')}`,
    ]);
    expect(bitmapsOf(vm)).toEqual([[ofTuesday, true]]);
  });

  it('removes nothing that a published backup needs', async () => {
    const vm = new FakeVm();
    putSegments(vm, 0);

    await dropOldSegments(await vm.open(), published(monday, tuesday), 32);

    expect(vm.log).toEqual([]);
  });
});
