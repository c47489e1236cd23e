import { describe, expect, it } from 'vitest';
import { startQemu } from '../../../lab/start-qemu.ts';
import { findReceivers } from '../../../qemu/receiver/find-receivers.ts';
import { mountOrSkip } from '../file-system.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needFailingJobs, needFilter } from '../rig/need.ts';
import { expectSame } from '../rig/oracle.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];

async function receiversOf(rig: Rig): Promise<number[]> {
  return (await findReceivers(rig.dependencies.paths.vm('vm').run)).map(({ pid }) => pid);
}

/** The guest's disks take writes: nothing of theirs waits for a target. */
async function writeEverywhere({ machine }: Rig, pattern: number): Promise<void> {
  for (const disk of machine.disks)
    await machine.device(disk).write(pattern, { offset: 8 * MiB, bytes: MiB });
}

/** After a backup that failed: all is gone, and the next one holds every change. */
async function expectNextIsExact(rig: Rig, kind: string): Promise<void> {
  const next = new Way(rig);
  const held = await next.toInstant();
  expect(await next.toEnd()).toMatchObject({ kind });
  await expectSame(rig, next.plan, held);
  expect(await leftovers(rig)).toEqual([]);
}

describe('a receiver', () => {
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const)
    for (const before of ['startCopy', 'watchCopy'] as const)
      it(`that gets ${signal} before ${before} fails the backup and nothing else`, async (context) => {
        await using machine = await startQemu({ disks });
        // Without it the guest's writes wait for a receiver that is mute, as long as the copy is given time.
        if (signal === 'SIGSTOP') await needFilter(context, machine);
        await using rig = await makeRig(machine, { vm: { targetStallSeconds: 2 } });
        await writeEverywhere(rig, 1);
        await new Way(rig).toEnd();
        await writeEverywhere(rig, 2);
        const run = await new Way(rig).until(before === 'startCopy' ? 'thawGuest' : 'startCopy');
        for (const pid of await receiversOf(rig)) process.kill(pid, signal);

        await writeEverywhere(rig, 3);
        await expect(run.until('watchCopy')).rejects.toMatchObject({
          name: expect.stringMatching(
            /^(BlockJobError|Target(Stalled|Lost|Unusable)Error|QmpTimeoutError)$/,
          ),
        });
        await writeEverywhere(rig, 4);

        expect(await run.rollback()).toEqual({ troubles: [] });
        expect(await leftovers(rig)).toEqual([]);
        await expectNextIsExact(rig, 'incremental');
      });
});

describe('a target', () => {
  it('that is full fails the backup and no write of the guest', async (context) => {
    await using files = await mountOrSkip(context, 48);
    await using machine = await startQemu({ disks });
    await needFailingJobs(context, machine);
    await using rig = await makeRig(machine, { on: { repository: files.path } });
    await machine.device(machine.disk(0)).write(1, { offset: 0, bytes: 20 * MiB });
    // Between the look at the room and the copy somebody else takes it.
    const run = await new Way(rig).until('thawGuest');
    await files.fill();
    await expect(run.until('watchCopy')).rejects.toMatchObject({ name: 'BlockJobError' });
    await writeEverywhere(rig, 2);

    await run.rollback();
    expect(await leftovers(rig)).toEqual([]);
    await files.free();
    await expectNextIsExact(rig, 'full');
  });

  it('that hangs in the kernel fails the backup, and what it holds is removed when it is back', async (context) => {
    await using files = await mountOrSkip(context, 128);
    await using machine = await startQemu({ disks });
    await needFilter(context, machine);
    const vm = { targetStallSeconds: 2 };
    await using rig = await makeRig(machine, { vm, on: { repository: files.path } });
    await writeEverywhere(rig, 1);
    await new Way(rig).toEnd();
    await writeEverywhere(rig, 2);
    const run = await new Way(rig).until('thawGuest');
    await files.hang();

    await expect(run.until('watchCopy')).rejects.toMatchObject({ name: 'TargetStalledError' });
    await writeEverywhere(rig, 3);
    const { troubles } = await run.rollback();

    // The VM is free although the target still hangs.
    expect(troubles).toEqual([expect.stringContaining('partial files stay until the next run')]);
    expect(await machine.labQmp.execute('query-jobs', {})).toEqual([]);
    await writeEverywhere(rig, 4);
    await files.recover();
    await expectNextIsExact(rig, 'incremental');
  });
});
