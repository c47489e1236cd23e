import { describe, expect, it } from 'vitest';
import { setBandwidth } from '../../../activities/set-bandwidth.ts';
import { watchCopy } from '../../../activities/watch-copy.ts';
import { wishedSpeed } from '../../../host/speed-wish.ts';
import { copyJobs } from '../../../lab/copy-jobs.ts';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { eventually } from '../../host/eventually.ts';
import { leftovers } from '../rig/leftovers.ts';
import { fill } from '../rig/next.ts';
import { expectSame } from '../rig/oracle.ts';
import { makeRig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];
/** At this speed no copy of these disks comes to its end within a test. */
const slow = 65_536;

/** The different speeds of all copy jobs. */
async function speeds({ labQmp }: Machine): Promise<number[]> {
  const copies = await copyJobs(labQmp);
  const jobs = await labQmp.execute('query-block-jobs', {});
  const speedOf = jobs.filter(({ device }) => copies.includes(device)).map(({ speed }) => speed);
  return [...new Set(speedOf)];
}

describe('the speed of a copy', () => {
  it('is what was asked for, and is changed while it is watched', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    await fill(rig, 2);
    const run = new Way(rig, { maxBytesPerSecond: slow });
    const held = await run.toInstant();
    await run.until('startCopy');
    const { dependencies } = rig;
    const { backupId } = run.plan;

    expect(await speeds(machine)).toEqual([slow]);
    const watching = watchCopy(dependencies, run.plan, new AbortController().signal, () => {});
    await setBandwidth(dependencies, { vm: 'vm', backupId, bytesPerSecond: 2 * slow });
    await eventually(async () => (await speeds(machine)).join() === String(2 * slow));
    await setBandwidth(dependencies, { vm: 'vm', backupId, bytesPerSecond: 0 });
    await watching;

    await run.toEnd();
    await expectSame(rig, run.plan, held);
    expect(await leftovers(rig)).toEqual([]);
    expect(await wishedSpeed(dependencies.paths, 'vm', backupId)).toBeUndefined();
  });

  it('that is asked for while nobody watches is taken by who watches next', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine, { vm: { maxBytesPerSecond: slow } });
    await fill(rig, 2);
    const run = new Way(rig);
    const held = await run.toInstant();
    await run.until('startCopy');
    const { dependencies } = rig;
    const ended = new AbortController();
    const first = watchCopy(dependencies, run.plan, ended.signal, () => {});
    ended.abort();
    await expect(first).rejects.toBeInstanceOf(Error);

    const { backupId } = run.plan;
    await setBandwidth(dependencies, { vm: 'vm', backupId, bytesPerSecond: 0 });

    await run.toEnd();
    await expectSame(rig, run.plan, held);
  });

  it('is not changed for a backup that does not hold the VM', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    const other = { vm: 'vm', backupId: '20261101T020000Z-0001', bytesPerSecond: 0 };

    await expect(setBandwidth(rig.dependencies, other)).rejects.toMatchObject({
      name: 'LockLostError',
    });
  });
});
