import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sweepHost } from '../../../activities/sweep-host.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { build, type Built } from '../../host/built.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needShield } from '../rig/need.ts';
import { expectSame } from '../rig/oracle.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { Way, type Step } from '../rig/way.ts';

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

/** A sweep meanwhile; what it had trouble with. */
async function sweep({ dependencies }: Rig): Promise<unknown[]> {
  const troubles: unknown[] = [];
  await sweepHost(dependencies, new AbortController().signal, {
    done: () => {},
    trouble: (_vm, error) => void troubles.push(error),
  });
  return troubles;
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
          sweep(rig),
          dead.rollback().then((done) => done.troubles),
          sweep(rig),
        ]);

        expect(troubles.flat()).toEqual([]);
        expect(machine.alive).toBe(true);
        expect(await leftovers(rig)).toEqual([]);
        const next = new Way(rig, { shield });
        const held = await next.toInstant();
        const result = await next.toEnd();
        expect(result.disks.map(({ kind }) => kind)).toEqual(['incremental', 'incremental']);
        await expectSame(rig, next.plan, held);
      });
});
