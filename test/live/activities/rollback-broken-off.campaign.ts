import { expect, it } from 'vitest';
import { startQemu } from '../../../lab/start-qemu.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needShield } from '../rig/need.ts';
import { expectNextIsExact } from '../rig/next.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';
import { startCuttingTap } from './cutting-tap.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 12 * MiB }, { virtualBytes: 8 * MiB }];

/** A run has these to be undone, of two disks: jobs, nodes, filters, bitmaps. */
const leastEffects = { fleece: 20, none: 10 };

for (const shield of ['fleece', 'none'] as const)
  it(
    `a rollback under shield ${shield} that is broken off after each of its effects is finished by the next one`,
    { timeout: 600_000 },
    async (context) => {
      await using machine = await startQemu({ disks });
      await needShield(context, machine, shield);
      await using tap = await startCuttingTap(machine);
      await using rig = await makeRig(machine, { vm: { qmp: tap.qmpSocket } });
      const full = await new Way(rig, { shield }).toEnd();

      // Nothing is published between: what any of the rollbacks had lost would be missing in the end.
      let effects = 0;
      for (let broken = true; broken;) {
        effects++;
        await writeEverywhere(rig, effects * 2);
        const dead = await new Way(rig, { shield }).until('startCopy');
        expect(dead.plan.disks.map(({ parent }) => parent)).toEqual([full.backupId, full.backupId]);
        await writeEverywhere(rig, effects * 2 + 1);
        tap.cutAfter(effects);
        broken = await dead.rollback().then(
          () => false,
          () => true,
        );
        // Each time it came as far as it was to come, and no further.
        expect(tap.effects).toHaveLength(broken ? effects : effects - 1);
        tap.cutAfter(Infinity);

        await dead.rollback();

        expect(machine.alive).toBe(true);
        expect(await leftovers(rig)).toEqual([]);
      }
      await expectNextIsExact(rig, { shield });
      expect(effects).toBeGreaterThan(leastEffects[shield]);
    },
  );

/** Writes on every disk, each time at a place of its own. */
async function writeEverywhere({ machine }: Rig, place: number): Promise<void> {
  const piece = { offset: place * 64 * 1024, bytes: 64 * 1024 };
  for (const disk of machine.disks) await machine.device(disk).write(place, piece);
}
