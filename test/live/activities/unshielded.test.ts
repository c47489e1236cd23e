import { describe, expect, it } from 'vitest';
import { findGuard } from '../../../host/guard/find-guard.ts';
import { substituteDeadReceivers } from '../../../host/receivers.ts';
import { jobsReach } from '../../../capture/await-jobs.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { findReceivers } from '../../../qemu/receiver/find-receivers.ts';
import { eventually } from '../../host/eventually.ts';
import { mountOrSkip } from '../file-system.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needPatientTargets } from '../rig/need.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';

const MiB = 1024 ** 2;
const request = { shield: 'none', quiesce: 'off', kind: 'full' } as const;

/** The guest overwrites a file of so many MiB, so that its writes wait for the copy of what was there. */
async function overwrite({ machine }: Rig, mebibytes: number, source = '/dev/zero'): Promise<void> {
  const dd = `dd if=${source} of=/mnt/sp-vd0/big bs=64k count=${mebibytes * 16} conv=notrunc,fsync`;
  await machine.guest.run(dd, { timeoutMs: 120_000 });
}

/** What tells of a write of the guest that failed. */
function troublesOf({ machine }: Rig): string[] {
  const seen: string[] = [];
  machine.labQmp.listen(({ event }) => {
    if (event === 'BLOCK_IO_ERROR') seen.push(event);
  });
  return seen;
}

describe('a copy without a shield', () => {
  for (const guarded of [true, false])
    it(`leaves the guest running when its target is full${guarded ? '' : ', and its guard is killed'}`, async (context) => {
      await using files = await mountOrSkip(context, 160);
      await using machine = await startQemu({ disks: [{ virtualBytes: 256 * MiB }], guest: {} });
      await using rig = await makeRig(machine, { on: { repository: files.path } });
      await overwrite(rig, 100, '/dev/urandom');
      const run = await new Way(rig, request).until('prepareTargets');
      await files.fill(24);
      await run.until('thawGuest');
      const writing = overwrite(rig, 90);
      if (!guarded) process.kill((await findGuard(rig.dependencies.paths, 'vm')) ?? NaN, 'SIGKILL');

      await expect(run.until('watchCopy')).rejects.toMatchObject({
        name: expect.stringMatching(/^(BlockJobError|GuardLostError)$/),
      });
      // As Temporal does: a write that hung keeps a node for a moment longer.
      await eventually(() => run.rollback());

      await writing;
      expect(await machine.labQmp.execute('query-status', {})).toMatchObject({ running: true });
      expect(await leftovers(rig)).toEqual([]);
      await files.free();
    });

  it('fails no write of the guest when it is undone with a receiver that is mute', async (context) => {
    await using machine = await startQemu({ disks: [{ virtualBytes: 512 * MiB }], guest: {} });
    needPatientTargets(context, machine.labQmp);
    await using rig = await makeRig(machine);
    await overwrite(rig, 200, '/dev/urandom');
    const run = await new Way(rig, request).until('freezeGuest');
    const taking = run.until('thawGuest');
    await eventually(async () => (await machine.labQmp.execute('query-jobs', {})).length > 0);
    for (const { pid } of await findReceivers(rig.dependencies.paths.vm('vm').run))
      process.kill(pid, 'SIGSTOP');
    await taking;
    const troubles = troublesOf(rig);
    const writing = overwrite(rig, 190);

    expect(await run.rollback()).toEqual({ troubles: [] });

    await writing;
    expect(troubles).toEqual([]);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('is not published when a sink has taken the place of a target, although its job went well', async () => {
    await using machine = await startQemu({ disks: [{ virtualBytes: 64 * MiB }] });
    await using rig = await makeRig(machine);
    const disk = machine.disk();
    await machine.device(disk).write(5, { offset: 0, bytes: 32 * MiB });
    const run = await new Way(rig, request).until('startCopy');
    await jobsReach(machine.labQmp, ({ status }) => status === 'pending', 20_000);
    const { paths } = rig.dependencies;
    for (const { pid } of await findReceivers(paths.vm('vm').run)) process.kill(pid, 'SIGKILL');
    await eventually(async () => (await findReceivers(paths.vm('vm').run)).length === 0);
    await substituteDeadReceivers(paths, 'vm', [{ index: 0, virtualBytes: disk.virtualBytes }]);

    // Where a job is not seen to wait for its end, the guard may give the copy up first.
    const first = run.plan.tier === 'grouped' ? 'BlockJob|GuardLost|' : '';
    await expect(run.until('watchCopy')).rejects.toMatchObject({
      name: expect.stringMatching(`^(${first}TargetLost)Error$`),
    });

    await run.rollback();
    expect(await leftovers(rig)).toEqual([]);
  });

  it('goes no further when its guard is gone', async () => {
    await using machine = await startQemu();
    await using rig = await makeRig(machine);
    const run = await new Way(rig, request).until('startCopy');
    const { paths } = rig.dependencies;
    process.kill((await findGuard(paths, 'vm')) ?? NaN, 'SIGKILL');
    await eventually(async () => (await findGuard(paths, 'vm')) === undefined);

    await expect(run.until('watchCopy')).rejects.toMatchObject({ name: 'GuardLostError' });

    await run.rollback();
    expect(await leftovers(rig)).toEqual([]);
  });
});
