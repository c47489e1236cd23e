import { describe, expect, it, type TestContext } from 'vitest';
import { resumeCopy } from '../../../activities/resume-copy.ts';
import { watchCopy } from '../../../activities/watch-copy.ts';
import { watchHalt } from '../../../activities/watch-halt.ts';
import { haltedJobs } from '../../../capture/halted-jobs.ts';
import type { FileSystem } from '../../../lab/file-system.ts';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import type { Halt } from '../../../model/halt.ts';
import type { BackupRequest } from '../../../model/request.ts';
import { eventually } from '../../host/eventually.ts';
import { mountOrSkip } from '../file-system.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needFilter } from '../rig/need.ts';
import { expectNextIsExact, fill } from '../rig/next.ts';
import { expectSame, type Oracle } from '../rig/oracle.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';
import { whileGuestWrites } from './guest-writes.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];
const { signal } = new AbortController();

type Scene = AsyncDisposable & {
  readonly machine: Machine;
  readonly files: FileSystem;
  readonly rig: Rig;
  readonly run: Way;
  readonly held: Oracle;
};

/** An incremental backup whose jobs have just been started, and whose target has no room left. */
async function fullTarget(
  context: TestContext,
  request: Partial<BackupRequest>,
  vm: Parameters<typeof makeRig>[1] = {},
): Promise<Scene> {
  const files = await mountOrSkip(context, 256);
  const machine = await startQemu({ disks });
  const rig = await makeRig(machine, { ...vm, on: { repository: files.path } });
  const dispose = async () => {
    await rig[Symbol.asyncDispose]();
    await machine[Symbol.asyncDispose]();
    await files[Symbol.asyncDispose]();
  };
  try {
    await needFilter(context, machine);
    await new Way(rig).toEnd();
    await fill(rig, 2);
    const run = new Way(rig, request);
    const held = await run.toInstant();
    await files.fill();
    await run.until('startCopy');
    return { machine, files, rig, run, held, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function watched({ rig, run }: Scene): Promise<Halt | undefined> {
  return watchCopy(rig.dependencies, run.plan, signal, () => {});
}

/** Resumes until no job stands still: a write that was under way may fail only now, and freed room take its time. */
async function goesOn({ rig, run }: Scene, resume: () => Promise<void>): Promise<void> {
  let isOver = false;
  const looking = watchHalt(rig.dependencies, run.plan, signal, () => {}).then(
    () => (isOver = true),
  );
  await eventually(async () => {
    await resume();
    return isOver;
  });
  await looking;
}

describe('a copy whose target is full', () => {
  it('waits with onTargetError enospc while the guest writes on, and is exact when it is resumed', async (context) => {
    await using scene = await fullTarget(context, { onTargetError: 'enospc' });
    const { rig, run, files, machine, held } = scene;
    const resume = async () =>
      resumeCopy(rig.dependencies, { plan: run.plan, force: false }, signal);

    const halt = await whileGuestWrites(machine, 'target full, waiting', async () => {
      const halt = await watched(scene);
      await expect(resume()).rejects.toMatchObject({ name: 'NoSpaceError' });
      return halt;
    });
    // Which disk meets it first is open.
    const full = { device: expect.any(String), error: 'no-space', operation: 'write' };
    expect(halt?.disks).toContainEqual(full);
    expect(halt?.neededBytes).toBeGreaterThan(MiB);
    expect(halt?.neededBytes).toBeLessThanOrEqual(run.plan.expectedBytes);

    await files.free();
    await goesOn(scene, resume);

    expect(await run.toEnd()).toMatchObject({ kind: 'incremental' });
    await expectSame(rig, run.plan, held);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('waits again when it is resumed by force, and goes on when somebody resumes it over QMP', async (context) => {
    await using scene = await fullTarget(context, { onTargetError: 'stop' });
    const { rig, run, files, machine, held } = scene;
    await watched(scene);

    await resumeCopy(rig.dependencies, { plan: run.plan, force: true }, signal);
    const again = await watched(scene);
    await files.free();
    await goesOn(scene, async () => {
      for (const { id } of await haltedJobs(machine.labQmp, run.plan))
        await machine.labQmp.execute('job-resume', { id });
    });
    await run.toEnd();

    expect(again?.disks.length).toBeGreaterThan(0);
    await expectSame(rig, run.plan, held);
  });

  it('is undone while it waits, and the next holds every change', async (context) => {
    await using scene = await fullTarget(context, { onTargetError: 'enospc' });
    const { rig, run, files } = scene;
    await watched(scene);

    expect(await run.rollback()).toEqual({ troubles: [] });

    expect(await leftovers(rig)).toEqual([]);
    await files.free();
    await expectNextIsExact(rig);
  });

  it('is given up when the scratch runs out while it waits, and no write of the guest fails', async (context) => {
    const vm = { vm: { scratchBytes: 8 * MiB } };
    await using scene = await fullTarget(context, { onTargetError: 'enospc' }, vm);
    const { rig, run, files, machine } = scene;
    await watched(scene);
    const looking = watchHalt(rig.dependencies, run.plan, signal, () => {});
    looking.catch(() => undefined);

    for (const disk of machine.disks)
      for (let at = 16; at < 40; at++)
        await machine.device(disk).write(5, { offset: at * MiB, bytes: MiB });

    await expect(looking).rejects.toMatchObject({ name: 'ScratchFullError' });
    expect(await run.rollback()).toEqual({ troubles: [] });
    await files.free();
    await expectNextIsExact(rig);
  });

  it('is lost when QEMU ends while it waits', async (context) => {
    await using scene = await fullTarget(context, { onTargetError: 'enospc' });
    const { rig, run, machine } = scene;
    await watched(scene);
    const looking = watchHalt(rig.dependencies, run.plan, signal, () => {});
    looking.catch(() => undefined);

    await machine.kill();

    await expect(looking).rejects.toBeInstanceOf(Error);
    expect(await run.rollback()).toEqual({ troubles: [] });
  });

  it('tries again every second with onTargetError ignore, tells no flood of it, and is exact', async (context) => {
    await using scene = await fullTarget(context, { onTargetError: 'ignore' });
    const { rig, run, files, machine, held } = scene;
    let errors = 0;
    const unlisten = machine.labQmp.listen(({ event }) => {
      if (event === 'BLOCK_JOB_ERROR') errors++;
    });

    const watching = watched(scene);
    await eventually(() => errors >= 6);
    const seen = errors;
    await files.free();

    expect(await watching).toBeUndefined();
    unlisten();
    // Two jobs, each resumed once a second: QEMU's own `ignore` tells of tens of thousands in that time.
    expect(seen).toBeLessThan(200);
    await run.toEnd();
    await expectSame(rig, run.plan, held);
  });

  it('is given up with onTargetError ignore when nothing helps for targetStallSeconds', async (context) => {
    const vm = { vm: { targetStallSeconds: 3 } };
    await using scene = await fullTarget(context, { onTargetError: 'ignore' }, vm);

    await expect(watched(scene)).rejects.toMatchObject({ name: 'TargetStalledError' });

    expect(await scene.run.rollback()).toEqual({ troubles: [] });
  });

  it('fails with onTargetError enospc when its error is another one', async (context) => {
    await using scene = await fullTarget(context, { onTargetError: 'enospc' });
    const { rig, run, files } = scene;
    await watched(scene);
    await files.fail();

    await resumeCopy(rig.dependencies, { plan: run.plan, force: true }, signal);

    await expect(watched(scene)).rejects.toMatchObject({ name: 'BlockJobError' });
    await run.rollback();
    await files.repair();
  });
});
