import { join } from 'node:path';
import { rename } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { createImage } from '../../../qemu/images/create-image.ts';
import { eventually } from '../../host/eventually.ts';
import { needKeptBitmaps } from '../rig/need.ts';
import { makeRig } from '../rig/rig.ts';
import { writeToAll } from './changes.ts';
import { exactBackup } from './exact-backup.ts';

const MiB = 1024 ** 2;
const goesOn = (device: string) => `${device} incremental: changes-since-parent`;

/** A machine with two disks, and room for more that come without a guest's help. */
async function startWithRoom(): Promise<Machine> {
  return startQemu({
    disks: [{ virtualBytes: 16 * MiB }, { virtualBytes: 12 * MiB }],
    qemu: ['qemu-system-x86_64', '-device', 'virtio-scsi-pci,id=room'],
  });
}

const node = 'hot-node';
const imageOf = ({ folder }: Machine) => join(folder, 'hot.qcow2');

async function makeImage(path: string, pattern: number): Promise<void> {
  await createImage({ path, virtualBytes: 8 * MiB });
  await execa('qemu-io', ['-f', 'qcow2', '-c', `write -P ${pattern} 0 3M`, path]);
}

async function plugIn(machine: Machine): Promise<void> {
  const { labQmp } = machine;
  const file = { driver: 'file', filename: imageOf(machine) } as const;
  await labQmp.execute('blockdev-add', { driver: 'qcow2', 'node-name': node, file });
  const device = { driver: 'scsi-hd', id: 'hot', bus: 'room.0', drive: node };
  await labQmp.execute('device_add', device);
}

async function pullOut({ labQmp }: Machine): Promise<void> {
  await labQmp.execute('device_del', { id: 'hot' });
  const isThere = ({ qdev }: { qdev?: string | undefined }) => qdev === 'hot';
  await eventually(async () => !(await labQmp.execute('query-block', {})).some(isThere));
  await labQmp.execute('blockdev-del', { 'node-name': node });
}

async function writeToHot({ labQmp }: Machine, pattern: number): Promise<void> {
  const line = `qemu-io -d hot "write -P ${pattern} ${pattern}M 1M"`;
  await labQmp.execute('human-monitor-command', { 'command-line': line });
}

it('a disk that is added goes full beside the others, and one that is removed is missed by none', async () => {
  await using machine = await startWithRoom();
  await using rig = await makeRig(machine);
  await writeToAll(machine, 0);
  await exactBackup(rig);
  await makeImage(imageOf(machine), 41);

  await plugIn(machine);

  await writeToAll(machine, 1);
  const others = [goesOn('vd0'), goesOn('vd1')];
  expect(await exactBackup(rig)).toEqual([...others, 'hot full: first-backup']);
  await writeToHot(machine, 2);
  expect(await exactBackup(rig)).toEqual([...others, goesOn('hot')]);

  await pullOut(machine);

  await writeToAll(machine, 3);
  expect(await exactBackup(rig)).toEqual(others);
  await writeToAll(machine, 4);
  expect(await exactBackup(rig)).toEqual(others);
});

it('a disk that was away for a backup goes on from the last one that has it', async (context) => {
  await using machine = await startWithRoom();
  await needKeptBitmaps(context, machine);
  await using rig = await makeRig(machine);
  await makeImage(imageOf(machine), 41);
  await plugIn(machine);
  await exactBackup(rig);
  await writeToHot(machine, 2);
  await pullOut(machine);
  await exactBackup(rig);

  await plugIn(machine);

  await writeToHot(machine, 3);
  const all = ['vd0', 'vd1', 'hot'].map(goesOn);
  expect(await exactBackup(rig)).toEqual(all);
  await writeToHot(machine, 4);
  expect(await exactBackup(rig)).toEqual(all);
});

it('a disk whose image was replaced while the VM ran goes full, that disk alone', async () => {
  await using machine = await startWithRoom();
  await using rig = await makeRig(machine);
  await makeImage(imageOf(machine), 41);
  await plugIn(machine);
  await exactBackup(rig);
  await pullOut(machine);
  const another = `${imageOf(machine)}.other`;
  await makeImage(another, 42);
  await rename(another, imageOf(machine));

  await plugIn(machine);

  await writeToAll(machine, 1);
  const others = [goesOn('vd0'), goesOn('vd1')];
  expect(await exactBackup(rig)).toEqual([...others, 'hot full: no-tracking']);
  await writeToHot(machine, 2);
  expect(await exactBackup(rig)).toEqual([...others, goesOn('hot')]);
});
