import { describe, expect, it } from 'vitest';
import { queryAbilities } from '../../../capture/abilities.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { segmentName } from '../../../model/names.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needMerging } from '../rig/need.ts';
import { expectSame } from '../rig/oracle.ts';
import { makeRig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';
import { startCuttingTap } from './cutting-tap.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 12 * MiB }, { virtualBytes: 8 * MiB }];

/**
 * `old` is the segment of the backup before, `new` that of the run which is rolled back: what was written since its
 * instant is in it alone. What is removed by hand, and before which command of the rollback; none: before all of it.
 */
const cases = [
  { removed: ['new'], before: undefined, kind: 'full' },
  { removed: ['old'], before: undefined, kind: 'full' },
  { removed: ['old', 'new'], before: undefined, kind: 'full' },
  { removed: ['new'], before: 'block-dirty-bitmap-enable', kind: 'full' },
  { removed: ['old'], before: 'block-dirty-bitmap-enable', kind: 'full' },
  { removed: ['old', 'new'], before: 'block-dirty-bitmap-enable', kind: 'full' },
  { removed: ['new'], before: 'block-dirty-bitmap-merge', kind: 'full' },
  { removed: ['old'], before: 'block-dirty-bitmap-merge', kind: 'full' },
  { removed: ['old', 'new'], before: 'block-dirty-bitmap-merge', kind: 'full' },
  { removed: ['new'], before: 'block-dirty-bitmap-remove', kind: 'incremental' },
  { removed: ['old'], before: 'block-dirty-bitmap-remove', kind: 'full' },
] as const;

describe('segments that somebody removes by hand', () => {
  for (const { removed, before, kind } of cases)
    it(`${removed.join(' and ')}, before ${before ?? 'the rollback'}, cost no QEMU and no change`, async (context) => {
      await using machine = await startQemu({ disks });
      await needMerging(context, machine);
      await using tap = await startCuttingTap(machine);
      await using rig = await makeRig(machine, { vm: { qmp: tap.qmpSocket } });
      const disk = machine.device(machine.disk(0));
      const first = new Way(rig);
      await first.toEnd();
      await disk.write(1, { offset: MiB, bytes: MiB });
      // Behind the copy: with the jobs ended by themselves its temporary bitmaps are gone.
      const dead = await new Way(rig).until('startCopy');
      await disk.write(2, { offset: 4 * MiB, bytes: MiB });
      const ids = { old: first.plan.backupId, new: dead.plan.backupId };
      const names = {
        old: segmentName('vd0', ids.old, null),
        new: segmentName('vd0', ids.new, ids.old),
      };
      let hits = 0;
      const remove = async () => {
        hits++;
        for (const which of removed)
          await machine.labQmp.execute('block-dirty-bitmap-remove', {
            node: 'vd0-node',
            name: names[which],
          });
      };
      if (before === undefined) await remove();
      else tap.before(before, remove);

      // It may fail over it, and is then tried again, as its workflow does.
      await dead.rollback().catch(() => undefined);
      expect(hits).toBe(1);
      await dead.rollback();

      expect(machine.alive).toBe(true);
      expect(await leftovers(rig)).toEqual([]);
      const next = new Way(rig);
      const held = await next.toInstant();
      const result = await next.toEnd();
      // Without a shield the first to be removed is a temporary bitmap, before anything is merged.
      const { fleecing } = await queryAbilities(machine.labQmp);
      const merged = fleecing || before !== 'block-dirty-bitmap-remove';
      expect(result.disks.map((one) => one.kind)).toEqual([merged ? kind : 'full', 'incremental']);
      await expectSame(rig, next.plan, held);
    });
});
