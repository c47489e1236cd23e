import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startQemu } from '../../../lab/start-qemu.ts';
import { build, type Built } from '../../host/built.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needShield } from '../rig/need.ts';
import { expectNextIsExact } from '../rig/next.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { sweep } from '../rig/sweep.ts';
import { spends, Way, type Step } from '../rig/way.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];

let built: Built;
beforeAll(async () => {
  built = await build('test/live/activities/rollback-process.ts');
});
afterAll(async () => built?.[Symbol.asyncDispose]());

/** A rollback in a process of its own; resolves with what it had trouble with. */
async function rollbackElsewhere({ dependencies: { inventory } }: Rig, { run }: Way) {
  const entry = fileURLToPath(new URL('../../../dist/repository/child.js', import.meta.url));
  const program = built.module('test/live/activities/rollback-process.ts');
  const args = [program, JSON.stringify(inventory), JSON.stringify(run), entry];
  const { stdout } = await execa(process.execPath, args, { timeout: 90_000 });
  return JSON.parse(stdout) as string[];
}

describe('rollbacks of three processes at once, and sweeps beside them,', () => {
  for (const shield of ['fleece', 'none'] as const)
    for (const last of ['takeInstant', 'startCopy', 'commitBackup'] satisfies Step[])
      it(`free the VM under shield ${shield} after ${last}, and lose no change`, async (context) => {
        await using machine = await startQemu({ disks });
        await needShield(context, machine, shield);
        await using rig = await makeRig(machine);
        await new Way(rig, { shield }).toEnd();
        await machine.device(machine.disk(0)).write(1, { offset: MiB, bytes: MiB });
        const dead = await new Way(rig, { shield }).until(last);
        await machine.device(machine.disk(1)).write(2, { offset: MiB, bytes: MiB });

        const troubles = await Promise.all([
          rollbackElsewhere(rig, dead),
          rollbackElsewhere(rig, dead),
          rollbackElsewhere(rig, dead),
          sweep(rig).then((swept) => swept.troubles),
          dead.rollback().then((done) => done.troubles),
          sweep(rig).then((swept) => swept.troubles),
        ]);

        expect(troubles.flat()).toEqual([]);
        expect(machine.alive).toBe(true);
        expect(await leftovers(rig)).toEqual([]);
        await expectNextIsExact(rig, { shield }, spends(dead.plan, last) ? 'full' : 'incremental');
      });
});
