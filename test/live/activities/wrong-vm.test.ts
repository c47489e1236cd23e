import { copyFile, rename } from 'node:fs/promises';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { sweepHost } from '../../../activities/sweep-host.ts';
import type { Machine } from '../../../lab/machine.ts';
import { nodesOf } from '../../../lab/nodes-of.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { needKeptBitmaps, needFilter } from '../rig/need.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';
import { segmentNames, whileOff, writeToAll } from './changes.ts';
import { exactBackup } from './exact-backup.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 16 * MiB }, { virtualBytes: 12 * MiB }];
const other = { vm: 'other' };
const goOn = ['vd0', 'vd1'].map((device) => `${device} incremental: changes-since-parent`);

/** The rig with this inventory, seen from one of the machines: which sockets its VMs have. */
function withVms(rig: Rig, machine: Machine, sockets: Readonly<Record<string, Machine>>): Rig {
  const { dependencies } = rig;
  const { inventory } = dependencies;
  const vms = Object.entries(sockets).map(([vm, { qmpSocket }]) => [vm, { qmp: qmpSocket }]);
  const changed = { ...inventory, vms: Object.fromEntries(vms) };
  return { ...rig, machine, dependencies: { ...dependencies, inventory: changed } };
}

async function bitmapsOf(machine: Machine): Promise<unknown> {
  const nodes = await nodesOf(machine.labQmp);
  return nodes.map((node) => [node['node-name'], node['dirty-bitmaps'] ?? []]);
}

async function sweep(rig: Rig): Promise<void> {
  const trouble = (_vm: string, error: unknown) => expect.unreachable(String(error));
  await sweepHost(rig.dependencies, new AbortController().signal, { done: () => {}, trouble });
}

async function expectRefusal(rig: Rig, says: RegExp): Promise<void> {
  const run = new Way(rig);
  await expect(run.until('planBackup')).rejects.toMatchObject({
    name: 'WrongVmError',
    message: expect.stringMatching(says),
  });
  await run.rollback();
}

describe('a backup that meets another VM behind the socket of its own', () => {
  for (const { title, backedUp } of [
    { title: 'has backups of its own', backedUp: true },
    { title: 'has no backup yet', backedUp: false },
  ])
    it(`is refused when its VM ${title}, and changes nothing there, its rollback and the sweep neither`, async () => {
      await using mine = await startQemu({ disks });
      await using theirs = await startQemu({ disks });
      await using rig = await makeRig(mine);
      const right = { vm: mine, other: theirs };
      await writeToAll(theirs, 1);
      await exactBackup(withVms(rig, theirs, right), other);
      if (backedUp) await exactBackup(withVms(rig, mine, right));
      await writeToAll(theirs, 2);
      const before = await bitmapsOf(theirs);

      const wrong = withVms(rig, theirs, { vm: theirs, other: mine });
      await expectRefusal(wrong, /machine behind .* is other: its disks carry bitmaps of other's/);
      await sweep(wrong);

      expect(await bitmapsOf(theirs)).toEqual(before);
      expect(await exactBackup(withVms(rig, theirs, right), other)).toEqual(goOn);
      const [first] = await exactBackup(withVms(rig, mine, right));
      expect(first).toBe(backedUp ? goOn[0] : 'vd0 full: first-backup');
    });

  it('is refused while that VM is backed up for the first time, which is not disturbed', async (context) => {
    await using theirs = await startQemu({ disks });
    // Without the shield its guard holds the socket through the copy, and nobody else gets as far.
    await needFilter(context, theirs);
    await using rig = await makeRig(theirs, { runs: () => true });
    const both = withVms(rig, theirs, { vm: theirs, other: theirs });
    const run = new Way(both, other);
    await run.until('startCopy');
    const before = await bitmapsOf(theirs);

    await expectRefusal(both, new RegExp(`its backup ${run.plan.backupId} is at work there`));
    await sweep(both);

    expect(await bitmapsOf(theirs)).toEqual(before);
    await run.toEnd();
    expect(await exactBackup(both, other)).toEqual(goOn);
  });
});

describe('a VM whose disks carry bitmaps of another name', () => {
  it('goes full after it was renamed', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    await exactBackup(withVms(rig, machine, { other: machine }), other);

    const renamed = withVms(rig, machine, { vm: machine });

    const full = ['vd0 full: first-backup', 'vd1 full: first-backup'];
    expect(await exactBackup(renamed)).toEqual(full);
    await writeToAll(machine, 2);
    expect(await exactBackup(renamed)).toEqual(goOn);
  });

  it('goes full with that disk alone that was moved to it', async (context) => {
    await using mine = await startQemu({ disks });
    await needKeptBitmaps(context, mine);
    await using theirs = await startQemu({ disks });
    await using rig = await makeRig(mine);
    const right = { vm: mine, other: theirs };
    await exactBackup(withVms(rig, mine, right));
    await exactBackup(withVms(rig, theirs, right), other);
    await writeToAll(theirs, 3);

    // The disks of one name change places.
    await Promise.all([mine.quit(), theirs.quit()]);
    const [here, there] = [mine.disk(1).path, theirs.disk(1).path];
    await rename(here, `${here}.moved`);
    await rename(there, here);
    await rename(`${here}.moved`, there);
    await Promise.all([mine.restart(), theirs.restart()]);

    for (const [rigOf, request] of [
      [withVms(rig, mine, right), {}],
      [withVms(rig, theirs, right), other],
    ] as const) {
      const moved = [goOn[0], 'vd1 full: parent-not-in-repository'];
      expect(await exactBackup(rigOf, request)).toEqual(moved);
      await writeToAll(rigOf.machine, 4);
      expect(await exactBackup(rigOf, request)).toEqual(goOn);
    }
  });

  it('is refused as a clone of that VM, until the bitmaps are removed from it', async (context) => {
    await using clone = await startQemu({ disks });
    await needKeptBitmaps(context, clone);
    await using origin = await startQemu({ disks });
    await using rig = await makeRig(clone);
    const vms = { vm: clone, other: origin };
    await writeToAll(origin, 1);
    await exactBackup(withVms(rig, origin, vms), other);
    const names = await segmentNames(origin, 'vd0-node');
    await whileOff(origin, async ({ path }) => {
      await whileOff(clone, async (disk) => copyFile(path, disk.path));
    });
    const cloned = withVms(rig, clone, vms);
    await expectRefusal(cloned, /copies of other's disks, remove the bitmaps/);

    await whileOff(clone, async ({ path }) => {
      for (const name of names) await execa('qemu-img', ['bitmap', '--remove', path, name]);
    });

    expect(await exactBackup(cloned)).toEqual(['vd0 full: first-backup', 'vd1 full: first-backup']);
    expect(await exactBackup(withVms(rig, origin, vms), other)).toEqual(goOn);
  });
});
