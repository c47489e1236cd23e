import { describe, expect, it } from 'vitest';
import { startQemu } from '../../../lab/start-qemu.ts';
import { mountOrSkip, slowDownOrSkip } from '../file-system.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needFilter } from '../rig/need.ts';
import { expectSame } from '../rig/oracle.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';
import { whileGuestWrites } from './guest-writes.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];

async function fill({ machine }: Rig, pattern: number): Promise<void> {
  for (const disk of machine.disks)
    await machine.device(disk).write(pattern, { offset: 16 * MiB, bytes: 24 * MiB });
}

describe('a target', () => {
  it('that is slow costs the guest nothing and is waited for, longer than one that stands still', async (context) => {
    await using files = await mountOrSkip(context, 256);
    await using machine = await startQemu({ disks });
    await needFilter(context, machine);
    const vm = { targetStallSeconds: 2 };
    await using rig = await makeRig(machine, { vm, on: { repository: files.path } });
    await new Way(rig).toEnd();
    await fill(rig, 2);
    const run = new Way(rig);
    const held = await run.toInstant();
    await slowDownOrSkip(context, files, 8 * MiB);

    await whileGuestWrites(machine, 'target of 8 MiB/s', async () => run.toEnd());

    await expectSame(rig, run.plan, held);
    expect(await leftovers(rig)).toEqual([]);
  });
});
