import { rename } from 'node:fs/promises';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { carryTrackingOver } from '../../../activities/carry-over.ts';
import { planBackup } from '../../../activities/plan-backup.ts';
import { attachments, usualAttachment } from '../../../lab/attachments.ts';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { BackupRequest } from '../../../model/request.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needIothreads, needOverlays } from '../rig/need.ts';
import { makeRig, newRun, type Rig } from '../rig/rig.ts';
import { commitBetween, streamSnapshot, takeSnapshot } from '../rig/snapshots.ts';
import { segmentNames, writeToAll } from './changes.ts';
import { startCuttingTap } from './cutting-tap.ts';
import { exactBackup } from './exact-backup.ts';
import { whileGuestWrites } from './guest-writes.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 16 * MiB }];
const goOn = ['vd0 incremental: changes-since-parent'];
const { signal } = new AbortController();

/** Backups, and changes after them that only the bitmaps know of. */
async function backUp(rig: Rig, times = 1): Promise<void> {
  for (let round = 0; round < times; round++) {
    await writeToAll(rig.machine, round);
    await exactBackup(rig);
  }
  await writeToAll(rig.machine, 2);
}

/** Data, zeroes and discards, over what is below and beside it. */
async function change(machine: Machine, round: number): Promise<void> {
  const disk = machine.device(machine.disk(0));
  await writeToAll(machine, round);
  await disk.zero({ offset: (round - 2) * MiB, bytes: MiB / 2 });
  await disk.discard({ offset: (round - 3) * MiB, bytes: MiB / 4 });
}

describe('tracking below somebody’s snapshots', () => {
  it('is carried over two of them that nobody has told of', async (context) => {
    await using machine = await startQemu({ disks });
    await needOverlays(context, machine);
    await using rig = await makeRig(machine);
    await backUp(rig, 2);
    await takeSnapshot(machine);
    await change(machine, 3);
    await takeSnapshot(machine, { node: 'overlay', overlay: 'overlay2' });
    await change(machine, 4);

    expect(await exactBackup(rig)).toEqual(goOn);
    await change(machine, 5);
    expect(await exactBackup(rig, { kind: 'differential' })).toEqual([
      'vd0 differential: changes-since-chosen',
    ]);
    await commitBetween(machine, {
      device: 'overlay2',
      'top-node': 'overlay',
      'base-node': 'vd0-node',
    });
    await change(machine, 6);
    expect(await exactBackup(rig)).toEqual(goOn);
    await streamSnapshot(machine, 'overlay2');
    await change(machine, 7);
    expect(await exactBackup(rig)).toEqual(goOn);
    expect(await segmentNames(machine, 'overlay2')).toHaveLength(6);
  });

  it('misses nothing that the guest writes meanwhile', async (context) => {
    await using machine = await startQemu({ disks });
    await needOverlays(context, machine);
    await using rig = await makeRig(machine);
    await backUp(rig);
    await takeSnapshot(machine);
    await change(machine, 4);
    const request = BackupRequest.parse({ vm: 'vm' });
    const run = newRun();
    const plan = await planBackup(rig.dependencies, { request, ...run }, signal);

    const { troubles } = await whileGuestWrites(machine, 'tracking carried over', () =>
      carryTrackingOver(rig.dependencies, plan, signal, () => {}),
    );

    expect(troubles).toEqual([]);
    expect(await exactBackup(rig)).toEqual(goOn);
  });

  it('survives a crash of QEMU above the snapshot', async (context) => {
    await using machine = await startQemu({ disks });
    await needOverlays(context, machine);
    await using rig = await makeRig(machine);
    await backUp(rig);
    const overlay = await takeSnapshot(machine);
    await change(machine, 4);
    expect(await exactBackup(rig)).toEqual(goOn);
    await change(machine, 5);
    await machine.device(machine.disk(0)).flush();
    await machine.kill();
    // The machine starts from the same path again.
    const { path } = machine.disk(0);
    await rename(path, `${path}.base`);
    await execa('qemu-img', ['rebase', '-u', '-F', 'qcow2', '-b', `${path}.base`, overlay]);
    await rename(overlay, path);
    await machine.restart();

    await change(machine, 6);
    expect(await exactBackup(rig)).toEqual(goOn);
  });

  it('is carried over a snapshot of a raw image, whose bitmaps live only in memory', async (context) => {
    await using machine = await startQemu({ disks: [{ ...disks[0], format: 'raw' }] });
    await needOverlays(context, machine);
    await using rig = await makeRig(machine);
    await backUp(rig);
    await takeSnapshot(machine);
    await change(machine, 4);

    expect(await exactBackup(rig)).toEqual(goOn);
  });

  it('is carried over on a disk with an iothread', async (context) => {
    const attachment = attachments.find(
      ({ device, iothread }) => iothread && device === 'virtio-blk',
    );
    const onThread = { virtualBytes: 16 * MiB, attachment: attachment ?? usualAttachment };
    await using machine = await startQemu({ disks: [onThread] });
    await needOverlays(context, machine);
    await needIothreads(context, machine);
    await using rig = await makeRig(machine);
    await backUp(rig);
    await takeSnapshot(machine);
    await writeToAll(machine, 4);

    expect(await exactBackup(rig)).toEqual(goOn);
  });

  it('is left there, and the disk goes full, when the overlay was resized', async (context) => {
    await using machine = await startQemu({ disks });
    await needOverlays(context, machine);
    await using rig = await makeRig(machine);
    await backUp(rig);
    await takeSnapshot(machine);
    await machine.labQmp.execute('block_resize', { 'node-name': 'overlay', size: 20 * MiB });

    const request = BackupRequest.parse({ vm: 'vm' });
    const plan = await planBackup(rig.dependencies, { request, ...newRun() }, signal);

    const [disk] = plan.disks;
    expect([disk?.kind, disk?.reason, disk?.below]).toEqual([
      'full',
      'tracking-under-snapshot',
      undefined,
    ]);
    expect(plan.warnings.join()).toContain('it was resized since');
  });

  it('is still there after a death at any command', { timeout: 240_000 }, async (context) => {
    await using machine = await startQemu({ disks });
    await needOverlays(context, machine);
    await using tap = await startCuttingTap(machine);
    await using rig = await makeRig(machine, { vm: { qmp: tap.qmpSocket } });
    await backUp(rig);
    await takeSnapshot(machine);
    const request = BackupRequest.parse({ vm: 'vm' });
    let deaths = 0;
    const counts = new Set<number>();
    for (let cut = 1; ; cut++) {
      await machine.device(machine.disk(0)).write(cut, { offset: cut * 65_536, bytes: 65_536 });
      const run = newRun();
      const plan = await planBackup(rig.dependencies, { request, ...run }, signal);
      if (!plan.disks[0]?.below) break;
      tap.cutAfter(cut);
      const outcome = await carryTrackingOver(rig.dependencies, plan, signal, () => {}).then(
        () => 'done',
        () => 'dead',
      );
      tap.cutAfter(Infinity);
      // Nobody tidies: the next run does.
      if (outcome === 'dead') deaths++;
      counts.add((await segmentNames(machine, 'overlay')).length);
    }
    expect(deaths).toBeGreaterThan(4);
    // All of them, or none.
    expect([...counts]).toEqual([0, 1]);

    expect(await exactBackup(rig)).toEqual(goOn);
    expect(await leftovers(rig)).toEqual([]);
  });
});
