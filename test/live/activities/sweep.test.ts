import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findGuard } from '../../../host/guard/find-guard.ts';
import { readFreezeRecord } from '../../../host/freeze-record.ts';
import { nodesOf } from '../../../lab/nodes-of.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { eventually } from '../../host/eventually.ts';
import { expectSame } from '../rig/oracle.ts';
import { leftovers } from '../rig/leftovers.ts';
import { makeRig } from '../rig/rig.ts';
import { sweep } from '../rig/sweep.ts';
import { spends, steps, Way } from '../rig/way.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];

for (const last of steps.slice(0, -1))
  it(`a sweep removes all of a run whose workflow was terminated after ${last}`, async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    await new Way(rig).toEnd();
    await machine.device(machine.disk(0)).write(2, { offset: MiB, bytes: MiB });
    const run = await new Way(rig).until(last);

    const { done, troubles } = await sweep(rig);

    expect(troubles).toEqual([]);
    expect(done).toEqual([`backup ${run.plan.backupId}, whose workflow has ended`]);
    expect(await leftovers(rig)).toEqual([]);
    const next = new Way(rig);
    const held = await next.toInstant();
    const kind = spends(run.plan, last) ? 'full' : 'incremental';
    expect(await next.toEnd()).toMatchObject({ kind });
    await expectSame(rig, next.plan, held);
  });

it('a sweep leaves a backup alone whose workflow runs', async () => {
  await using machine = await startQemu({ disks });
  await using rig = await makeRig(machine, { runs: () => true });
  const run = new Way(rig);
  const held = await run.toInstant();
  await run.until('startCopy');

  expect(await sweep(rig)).toEqual({ done: [], troubles: [] });

  await run.toEnd();
  await expectSame(rig, run.plan, held);
});

it('a sweep leaves a VM alone that owes us nothing, and what is in it that is not ours', async () => {
  await using machine = await startQemu({ disks });
  await using rig = await makeRig(machine);
  const { labQmp } = machine;
  const theirs = { node: 'vd0-node', name: 'theirs' };
  await labQmp.execute('block-dirty-bitmap-add', { ...theirs, granularity: 65_536 });
  const scratch = { driver: 'null-co', 'node-name': 'their-node', size: MiB } as const;
  await labQmp.execute('blockdev-add', scratch);
  const run = await new Way(rig).until('startCopy');

  await sweep(rig);

  expect(await leftovers(rig)).toEqual([]);
  const nodes = await nodesOf(labQmp);
  const bitmaps = nodes.flatMap((node) => node['dirty-bitmaps'] ?? []).map(({ name }) => name);
  expect(nodes.map((node) => node['node-name'])).toContain('their-node');
  expect(bitmaps).toEqual(['theirs']);
  expect(run.plan.kind).toBe('full');
  expect(await sweep(rig)).toEqual({ done: [], troubles: [] });
});

it('a sweep is not kept by a record that a power cut has damaged', async () => {
  await using machine = await startQemu({ disks, guest: {} });
  await using rig = await makeRig(machine);
  await new Way(rig).until('startCopy');
  await writeFile(rig.dependencies.paths.vm('vm').freeze, '');

  const { done } = await sweep(rig);

  expect(done).toHaveLength(1);
  expect(await leftovers(rig)).toEqual([]);
});

it('a sweep costs no bitmap when the folder of the VM cannot be listed', async () => {
  await using machine = await startQemu({ disks });
  await using rig = await makeRig(machine);
  await new Way(rig).toEnd();
  const folder = join(rig.repositoryFolder, 'vm');
  await rename(folder, `${folder}.aside`);
  await symlink(`${folder}.aside`, folder);

  await sweep(rig);

  await rm(folder);
  await rename(`${folder}.aside`, folder);
  expect(await new Way(rig).toEnd()).toMatchObject({ kind: 'incremental' });
});

it('a sweep thaws a guest whose guard was killed, although its backup runs', async () => {
  await using machine = await startQemu({ disks, guest: {} });
  await using rig = await makeRig(machine, { runs: () => true });
  const run = await new Way(rig, { quiesce: 'required' }).until('freezeGuest');
  await eventually(
    async () => (await readFreezeRecord(rig.dependencies.paths, 'vm'))?.state === 'frozen',
  );
  const guard = async () => findGuard(rig.dependencies.paths, 'vm');
  process.kill((await guard()) ?? NaN, 'SIGKILL');
  await eventually(async () => (await guard()) === undefined);

  expect((await sweep(rig)).troubles).toEqual([]);

  await machine.guest.run('date >/mnt/sp-vd0/thawed', { timeoutMs: 20_000 });
  await expect(run.until('takeInstant')).rejects.toMatchObject({ name: 'GuardError' });
});
