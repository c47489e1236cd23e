import { describe, expect, it } from 'vitest';
import { startQemu } from '../../../lab/start-qemu.ts';
import { expectSame } from '../rig/oracle.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needShield } from '../rig/need.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { spends, steps, Way } from '../rig/way.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];

/** Each way to end a run that did not publish: its own rollback, or none at all, and the next run cleans up. */
const ends = [
  { title: 'rolled back, and once more', rollbacks: 2 },
  { title: 'given up without a word', rollbacks: 0 },
];

for (const shield of ['fleece', 'none'] as const)
  describe(`a run with shield ${shield}`, () => {
    for (const last of steps.slice(0, -1))
      for (const { title, rollbacks } of ends)
        it(`that is ${title} after ${last} loses no change`, async (context) => {
          await using machine = await startQemu({ disks });
          await needShield(context, machine, shield);
          await using rig = await makeRig(machine);
          await writeEverywhere(rig, 1);
          const full = new Way(rig, { shield });
          const heldAtFull = await full.toInstant();
          await full.toEnd();
          await writeEverywhere(rig, 2);

          const dead = await new Way(rig, { shield }).until(last);
          await machine.device(machine.disk(0)).write(9, { offset: 8 * MiB, bytes: MiB });
          for (let time = 0; time < rollbacks; time++) {
            await dead.rollback();
            expect(await leftovers(rig)).toEqual([]);
          }

          await machine.device(machine.disk(1)).zero({ offset: 4 * MiB, bytes: MiB });
          const next = new Way(rig, { shield });
          const heldAtNext = await next.toInstant();
          const { kind, parent } = await next.toEnd();
          const anew = spends(dead.plan, last);
          expect([kind, parent]).toEqual(
            anew ? ['full', null] : ['incremental', full.plan.backupId],
          );
          await expectSame(rig, next.plan, heldAtNext);
          await expectSame(rig, full.plan, heldAtFull);
          expect(await leftovers(rig)).toEqual([]);
        });
  });

/** Writes on every disk, at places of its own for each round. */
async function writeEverywhere({ machine }: Rig, round: number): Promise<void> {
  for (const disk of machine.disks)
    await machine.device(disk).write(round, { offset: round * 2 * MiB, bytes: MiB });
}
