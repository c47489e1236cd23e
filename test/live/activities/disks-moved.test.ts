import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import type { Inventory } from '../../../model/inventory.ts';
import { RemoteRepository } from '../../../repository/remote.ts';
import { needKeptBitmaps, needMerging } from '../rig/need.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';
import { segmentNames, writeToAll } from './changes.ts';
import { exactBackup } from './exact-backup.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 16 * MiB }, { virtualBytes: 12 * MiB }];
const goOn = ['vd0', 'vd1'].map((device) => `${device} incremental: changes-since-parent`);

function withInventory(rig: Rig, changes: Partial<Inventory>): Rig {
  const { dependencies } = rig;
  const inventory = { ...dependencies.inventory, ...changes };
  return { ...rig, dependencies: { ...dependencies, inventory } };
}

/** The rig as after its repository was moved there, and the inventory with it. */
function withRepository(rig: Rig, folder: string): Rig {
  const entry = fileURLToPath(new URL('../../../dist/repository/child.js', import.meta.url));
  const repository = new RemoteRepository(folder, { entry });
  const moved = withInventory(rig, { repository: folder });
  const dependencies = { ...moved.dependencies, repository: () => repository };
  return { ...moved, dependencies, repositoryFolder: folder };
}

async function backUp(rig: Rig, machine: Machine, round: number): Promise<string[]> {
  await writeToAll(machine, round);
  return exactBackup(rig);
}

it('images that move to another path are backed up by their changes', async (context) => {
  await using old = await startQemu({ disks });
  await needKeptBitmaps(context, old);
  await using machine = await startQemu({ disks });
  await using rig = await makeRig(old);
  await backUp(rig, old, 0);
  await backUp(rig, old, 1);
  await writeToAll(old, 2);

  await Promise.all([old.quit(), machine.quit()]);
  for (const [index, { path }] of old.disks.entries()) await rename(path, machine.disk(index).path);
  await machine.restart();

  const moved = { ...withInventory(rig, { vms: { vm: { qmp: machine.qmpSocket } } }), machine };
  expect(await backUp(moved, machine, 3)).toEqual(goOn);
  expect(await backUp(moved, machine, 4)).toEqual(goOn);
});

describe('after the repository', () => {
  it('was moved to another folder, backups go on by changes', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    await backUp(rig, machine, 0);
    await backUp(rig, machine, 1);
    await writeToAll(machine, 2);
    const folder = join(rig.folder, 'elsewhere', 'backups');
    await mkdir(join(rig.folder, 'elsewhere'));

    await rename(rig.repositoryFolder, folder);

    const moved = withRepository(rig, folder);
    expect(await backUp(moved, machine, 3)).toEqual(goOn);
    expect(await backUp(moved, machine, 4)).toEqual(goOn);
    moved.dependencies.repository(folder).close();
  });

  it('was replaced by another one, a backup is refused and costs no bitmap', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    await backUp(rig, machine, 0);
    const aside = `${rig.repositoryFolder}.aside`;
    await rename(rig.repositoryFolder, aside);
    await using owner = await startQemu({ disks });
    await using another = await makeRig(owner);
    await exactBackup(another);
    await cp(another.repositoryFolder, rig.repositoryFolder, { recursive: true });

    const run = new Way(rig);
    await expect(run.until('planBackup')).rejects.toMatchObject({
      name: 'RepositoryReplacedError',
      message: expect.stringMatching(/is the right one mounted\?/),
    });
    await run.rollback();

    await rm(rig.repositoryFolder, { recursive: true });
    await rename(aside, rig.repositoryFolder);
    expect(await backUp(rig, machine, 1)).toEqual(goOn);
  });

  for (const { title, keepSegments, first } of [
    {
      title: 'changes since the newest backup that it holds are copied',
      keepSegments: 32,
      first: goOn,
    },
    {
      title: 'all is copied where the bitmaps do not reach so far',
      keepSegments: 1,
      first: ['vd0', 'vd1'].map((device) => `${device} full: parent-not-in-repository`),
    },
  ])
    it(`came back as an older copy, ${title}`, async (context) => {
      await using machine = await startQemu({ disks });
      await needMerging(context, machine);
      await using rig = await makeRig(machine, { vm: { keepSegments } });
      await backUp(rig, machine, 0);
      await backUp(rig, machine, 1);
      const older = `${rig.repositoryFolder}.older`;
      await cp(rig.repositoryFolder, older, { recursive: true });
      await backUp(rig, machine, 2);
      await backUp(rig, machine, 3);

      await rm(rig.repositoryFolder, { recursive: true });
      await rename(older, rig.repositoryFolder);

      expect(await backUp(rig, machine, 4)).toEqual(first);
      expect(await segmentNames(machine, 'vd0-node')).not.toEqual([]);
      expect(await backUp(rig, machine, 5)).toEqual(goOn);
    });
});
