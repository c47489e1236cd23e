import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { watchCopy } from '../../../activities/watch-copy.ts';
import { queryAbilities } from '../../../capture/abilities.ts';
import { jobsReach } from '../../../capture/await-jobs.ts';
import { letHolderGo } from '../../../capture/holder.ts';
import { markSpent } from '../../../capture/spent.ts';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { leftovers } from '../rig/leftovers.ts';
import { fill } from '../rig/next.ts';
import { expectSame } from '../rig/oracle.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];

async function needGrouped(context: TestContext, machine: Machine): Promise<void> {
  const { version, merging } = await queryAbilities(machine.labQmp);
  context.skip(merging, `QEMU ${version} merges bitmaps, and has no need of groups`);
}

/** A run whose jobs hold all that changed since a full backup. */
async function copying(rig: Rig): Promise<Way> {
  await fill(rig, 1);
  await new Way(rig).toEnd();
  await fill(rig, 2);
  return new Way(rig).until('startCopy');
}

/** The next backup is of that kind in every disk, holds every change, and leaves nothing. */
async function expectNext(rig: Rig, kind: 'full' | 'incremental'): Promise<void> {
  await rig.machine.device(rig.machine.disk(0)).write(3, { offset: 50 * MiB, bytes: MiB });
  const next = new Way(rig);
  const held = await next.toInstant();
  const result = await next.toEnd();
  expect(result.disks.map((disk) => disk.kind)).toEqual([kind, kind]);
  await expectSame(rig, next.plan, held);
  expect(await leftovers(rig)).toEqual([]);
}

/** Watches until `ends` is called, as a worker that dies or loses its connection does. */
async function watchUntil({ rig, plan }: Way, ends: AbortController): Promise<void> {
  const look = () => ends.abort(new Error('the worker died'));
  await watchCopy(rig.dependencies, plan, ends.signal, look).catch(() => undefined);
}

describe('a group of jobs', () => {
  beforeEach(async (context) => {
    await using machine = await startQemu();
    await needGrouped(context, machine);
  });

  it('is found again by the next worker while its holder waits', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    const run = await copying(rig);
    await watchUntil(run, new AbortController());

    expect(await run.toEnd()).toMatchObject({ kind: 'incremental' });

    await expectNext(rig, 'incremental');
  });

  it('whose end was noted is believed by the next worker', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    const run = await copying(rig);
    await watchCopy(rig.dependencies, run.plan, new AbortController().signal, () => {});

    expect(await run.toEnd()).toMatchObject({ kind: 'incremental' });

    await expectNext(rig, 'incremental');
  });

  it('whose end nobody has seen is a failure, and what it may have spent is copied in full', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    const run = await copying(rig);
    await markSpent(machine.labQmp, run.plan);
    await letHolderGo(machine.labQmp, run.plan);
    await jobsReach(machine.labQmp, () => false, 3_000);

    await expect(run.until('watchCopy')).rejects.toMatchObject({ name: 'BlockJobError' });

    await run.rollback();
    await expectNext(rig, 'full');
  });

  it('that went with QEMU is a failure, although nothing of it is left to be seen', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    const run = await copying(rig);
    await machine.kill();
    await machine.restart();

    await expect(run.until('watchCopy')).rejects.toMatchObject({
      name: expect.stringMatching(/^(BlockJobError|GuardLostError)$/),
    });

    await run.rollback();
    await expectNext(rig, 'full');
  });

  it('is no way to a differential, which is refused with the reason', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    await new Way(rig).toEnd();

    await expect(new Way(rig, { kind: 'differential' }).toEnd()).rejects.toMatchObject({
      name: 'UnsupportedQemuError',
      message: expect.stringMatching(/no differential backups/),
    });
  });
});
