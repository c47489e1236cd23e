import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startQemu } from '../../../lab/start-qemu.ts';
import { startInstantTap } from '../../../lab/instant-tap.ts';
import { mountOrSkip } from '../file-system.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needFilter } from '../rig/need.ts';
import { expectNextIsExact, fill } from '../rig/next.ts';
import { expectSame } from '../rig/oracle.ts';
import { makeRig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';
import { whileGuestWrites } from './guest-writes.ts';
import { holdCopy } from './held-copy.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];

describe('a target', () => {
  it('that turns read-only while it is copied to fails the backup, and no write of the guest', async (context) => {
    await using files = await mountOrSkip(context, 256);
    await using machine = await startQemu({ disks });
    await needFilter(context, machine);
    await using tap = await startInstantTap(machine);
    const on = { repository: files.path };
    await using rig = await makeRig(machine, { vm: { qmp: tap.qmpSocket }, on });
    await new Way(rig).toEnd();
    await fill(rig, 2);
    const copy = await holdCopy(rig, tap);
    await files.fail();
    await copy.letGo();

    await whileGuestWrites(machine, 'target read-only while copying', async () => {
      await expect(copy.watched).rejects.toMatchObject({ name: 'BlockJobError' });
      const { troubles } = await copy.run.rollback();
      expect(troubles).toEqual([expect.stringMatching(/EROFS.*stay until the next run/s)]);
    });

    await files.repair();
    await expectNextIsExact(rig);
  });

  it('that is full while the backup is published is waited for, and published when there is room', async (context) => {
    await using files = await mountOrSkip(context, 256);
    await using machine = await startQemu({ disks });
    await needFilter(context, machine);
    await using rig = await makeRig(machine, { on: { repository: files.path } });
    await new Way(rig).toEnd();
    await fill(rig, 2);
    const run = new Way(rig);
    const held = await run.toInstant();
    await run.until('commitBackup');
    await files.fill();

    await expect(run.toEnd()).rejects.toMatchObject({
      name: 'RepositoryAccessError',
      message: expect.stringContaining('ENOSPC'),
    });

    await files.free();
    expect(await run.toEnd()).toMatchObject({ kind: 'incremental' });
    await expectSame(rig, run.plan, held);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('whose folder is removed while it is copied to is not published, and the next holds every change', async (context) => {
    await using machine = await startQemu({ disks });
    await needFilter(context, machine);
    await using tap = await startInstantTap(machine);
    await using rig = await makeRig(machine, { vm: { qmp: tap.qmpSocket } });
    await new Way(rig).toEnd();
    await fill(rig, 2);
    const copy = await holdCopy(rig, tap);
    const partial = join(rig.repositoryFolder, 'vm', `${copy.run.plan.backupId}.partial`);
    await rm(partial, { recursive: true });
    await copy.letGo();

    await whileGuestWrites(machine, 'target removed while copying', async () => copy.watched);
    await expect(copy.run.toEnd()).rejects.toMatchObject({ name: 'BackupNotFoundError' });

    expect(await copy.run.rollback()).toEqual({ troubles: [] });
    expect(await leftovers(rig)).toEqual([]);
    await expectNextIsExact(rig);
  });

  it('whose repository is gone while it is published is waited for, and published when it is back', async (context) => {
    await using machine = await startQemu({ disks });
    await needFilter(context, machine);
    await using rig = await makeRig(machine);
    await new Way(rig).toEnd();
    await fill(rig, 2);
    const run = new Way(rig);
    const held = await run.toInstant();
    await run.until('commitBackup');
    const away = `${rig.repositoryFolder}-away`;
    await rename(rig.repositoryFolder, away);

    await expect(run.toEnd()).rejects.toMatchObject({ name: 'NotARepositoryError' });

    await rename(away, rig.repositoryFolder);
    expect(await run.toEnd()).toMatchObject({ kind: 'incremental' });
    await expectSame(rig, run.plan, held);
    expect(await leftovers(rig)).toEqual([]);
  });
});
