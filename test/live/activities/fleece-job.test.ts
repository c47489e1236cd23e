import { describe, expect, it } from 'vitest';
import { setBandwidth } from '../../../activities/set-bandwidth.ts';
import { watchCopy } from '../../../activities/watch-copy.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import type { Machine } from '../../../lab/machine.ts';
import { ourName } from '../../../model/names.ts';
import { findReceivers } from '../../../qemu/receiver/find-receivers.ts';
import { mountOrSkip } from '../file-system.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needJobFleecing } from '../rig/need.ts';
import { expectNextIsExact, fill } from '../rig/next.ts';
import { expectSame } from '../rig/oracle.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';
import { whileGuestWrites } from './guest-writes.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB, format: 'raw' as const }];
const vm = { shield: 'fleece', tier: 'fleece-job', targetStallSeconds: 2 } as const;
const slow = 65_536 * 8;

async function change({ machine }: Rig, pattern: number): Promise<void> {
  for (const disk of machine.disks) {
    const device = machine.device(disk);
    await device.write(pattern, { offset: pattern * MiB, bytes: 3 * MiB });
    await device.write(pattern, { offset: 40 * MiB + 512, bytes: 1024 });
    await device.zero({ offset: (pattern + 4) * MiB, bytes: MiB });
  }
}

/** A copy in its middle, which goes on slowly, and is watched until it is let go. */
async function holdCopy(rig: Rig) {
  const run = new Way(rig, { maxBytesPerSecond: slow });
  const held = await run.toInstant();
  await run.until('startCopy');
  const cancelled = new AbortController();
  let watched: Promise<unknown> = Promise.resolve();
  const inMiddle = new Promise<void>((resolve) => {
    watched = watchCopy(
      rig.dependencies,
      run.plan,
      cancelled.signal,
      ({ doneBytes, totalBytes }) => {
        if (doneBytes > 0 && doneBytes < totalBytes) resolve();
      },
    );
  });
  await Promise.race([inMiddle, watched]);
  const { backupId } = run.plan;
  const letGo = async () =>
    setBandwidth(rig.dependencies, { vm: 'vm', backupId, bytesPerSecond: 0 });
  return { run, held, watched, cancel: () => cancelled.abort(), letGo };
}

async function receiversOf({ dependencies }: Rig): Promise<number[]> {
  const pids = (await findReceivers(dependencies.paths.vm('vm').run)).map(({ pid }) => pid);
  expect(pids).toHaveLength(disks.length);
  return pids;
}

async function status({ labQmp }: Machine): Promise<string> {
  return (await labQmp.execute('query-status', {})).status;
}

describe('the shield of a job', () => {
  it('copies what the disks held at the instant, whatever is written since', async (context) => {
    await using machine = await startQemu({ disks });
    await needJobFleecing(context, machine);
    await using rig = await makeRig(machine, { vm });
    await change(rig, 1);
    for (const request of [{}, {}, { kind: 'differential' as const }, { kind: 'full' as const }]) {
      await change(rig, 8);
      const run = new Way(rig, request);
      const held = await run.toInstant();
      for (const pattern of [1, 3, 6, 9, 12]) await change(rig, pattern);
      const { kind } = await run.toEnd();

      expect(run.plan).toMatchObject({ tier: 'fleece-job', shield: 'fleece', secondPass: false });
      expect(request).toMatchObject(request.kind === undefined ? {} : { kind });
      await expectSame(rig, run.plan, held);
      expect(await leftovers(rig)).toEqual([]);
    }
  });

  it('lets the guest write on while the copy is slow, and copies as fast as is wished', async (context) => {
    await using machine = await startQemu({ disks });
    await needJobFleecing(context, machine);
    await using rig = await makeRig(machine, { vm });
    await new Way(rig).toEnd();
    await fill(rig, 2);
    const copy = await holdCopy(rig);

    await whileGuestWrites(machine, 'slow copy behind the shield of a job', async () => {
      for (const pattern of [17, 30]) await change(rig, pattern);
      await copy.letGo();
      await copy.watched;
    });

    expect(await copy.run.toEnd()).toMatchObject({ kind: 'incremental' });
    await expectSame(rig, copy.run.plan, copy.held);
    await expectNextIsExact(rig);
  });

  it('is begun anew by who watches next', async (context) => {
    await using machine = await startQemu({ disks });
    await needJobFleecing(context, machine);
    await using rig = await makeRig(machine, { vm });
    await fill(rig, 2);
    const copy = await holdCopy(rig);
    copy.cancel();
    await expect(copy.watched).rejects.toMatchObject({ name: 'AbortError' });
    await fill(rig, 3);
    await copy.letGo();

    expect(await copy.run.toEnd()).toMatchObject({ kind: 'full' });
    await expectSame(rig, copy.run.plan, copy.held);
    expect(await leftovers(rig)).toEqual([]);
  });

  for (const { title, harm, error } of [
    { title: 'a receiver dies', harm: 'SIGKILL', error: { name: 'TargetLostError' } },
    { title: 'a receiver hangs', harm: 'SIGSTOP', error: { name: 'TargetStalledError' } },
  ] as const)
    it(`costs the backup alone when ${title}`, async (context) => {
      await using machine = await startQemu({ disks });
      await needJobFleecing(context, machine);
      await using rig = await makeRig(machine, { vm });
      await new Way(rig).toEnd();
      await fill(rig, 2);
      const copy = await holdCopy(rig);
      for (const pid of await receiversOf(rig)) process.kill(pid, harm);

      await whileGuestWrites(machine, title, async () => {
        await copy.letGo();
        await expect(copy.watched).rejects.toMatchObject(error);
        expect(await copy.run.rollback()).toEqual({ troubles: [] });
      });

      expect(await leftovers(rig)).toEqual([]);
      await expectNextIsExact(rig);
    });

  it('says that the target is full', async (context) => {
    await using files = await mountOrSkip(context, 256);
    await using machine = await startQemu({ disks });
    await needJobFleecing(context, machine);
    await using rig = await makeRig(machine, { vm, on: { repository: files.path } });
    await new Way(rig).toEnd();
    await fill(rig, 2);
    const copy = await holdCopy(rig);
    await files.fill();
    await copy.letGo();

    await expect(copy.watched).rejects.toMatchObject({
      name: 'TargetLostError',
      message: expect.stringMatching(/no room left in the repository/),
    });
    await files.free();
    expect(await copy.run.rollback()).toEqual({ troubles: [] });
    await expectNextIsExact(rig);
  });

  it('is found broken when somebody ends what keeps the instant', async (context) => {
    await using machine = await startQemu({ disks });
    await needJobFleecing(context, machine);
    await using rig = await makeRig(machine, { vm });
    await new Way(rig).toEnd();
    await fill(rig, 2);
    const copy = await holdCopy(rig);
    await machine.labQmp.execute('job-cancel', { id: ourName(copy.run.plan.backupId, 1, 'b') });

    await expect(copy.watched).rejects.toMatchObject({ name: 'SnapshotBrokenError' });
    expect(await copy.run.rollback()).toEqual({ troubles: [] });
    await expectNextIsExact(rig);
  });
});

describe('the shield of a job is refused', () => {
  it('where the scratch has no room for whole disks', async (context) => {
    await using files = await mountOrSkip(context, 64);
    await using machine = await startQemu({ disks });
    await needJobFleecing(context, machine);
    await using rig = await makeRig(machine, { vm, on: { state: files.path } });

    const run = new Way(rig);
    await expect(run.until('planBackup')).rejects.toMatchObject({
      name: 'NoScratchSpaceError',
      message: expect.stringMatching(/room for whole disks.*shield "none"/),
    });
    await run.rollback();
    expect(await leftovers(rig)).toEqual([]);
  });

  it('where an error is to be waited for, and where an NBD server of somebody else runs', async (context) => {
    await using machine = await startQemu({ disks });
    await needJobFleecing(context, machine);
    await using rig = await makeRig(machine, { vm });

    await expect(
      new Way(rig, { onTargetError: 'enospc' }).until('planBackup'),
    ).rejects.toMatchObject({
      name: 'UnsupportedQemuError',
      message: expect.stringMatching(/onTargetError can only be "report"/),
    });

    const addr = { type: 'unix', data: { path: `${machine.folder}/other.sock` } } as const;
    await machine.labQmp.execute('nbd-server-start', { addr });
    const run = new Way(rig);
    await expect(run.until('prepareTargets')).rejects.toMatchObject({ name: 'NbdServerBusyError' });
    await run.rollback();
    expect(await leftovers(rig)).toEqual([]);
    expect(await status(machine)).toBe('prelaunch');
  });
});
