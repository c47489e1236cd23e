import { copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { createImage } from '../../../qemu/images/create-image.ts';
import { needKeptBitmaps, needMerging } from '../rig/need.ts';
import { makeRig } from '../rig/rig.ts';
import { exactBackup } from './exact-backup.ts';
import { openAndDie, segmentNames, whileOff, writeToAll } from './changes.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 16 * MiB }, { virtualBytes: 12 * MiB }];

const goesOn = (device: string) => `${device} incremental: changes-since-parent`;
const bothGoOn = [goesOn('vd0'), goesOn('vd1')];

/** What somebody does to disk 0 between two backups. */
type Change = {
  readonly title: string;
  readonly happens: (machine: Machine) => Promise<void>;
  /** While the VM is off: only what is kept in the image outlives that. */
  readonly off?: true;
  /** To one of several bitmaps. */
  readonly byHand?: true;
  /** How many there are before. Default: two. */
  readonly backups?: number;
  /** Of disk 0 in the next backup. */
  readonly ends: string;
};

const goesFull: readonly Change[] = [
  {
    title: 'grown',
    happens: async ({ labQmp }) =>
      void (await labQmp.execute('block_resize', { 'node-name': 'vd0-node', size: 20 * MiB })),
    ends: 'full: disk-resized',
  },
  {
    title: 'made smaller',
    happens: async ({ labQmp }) =>
      void (await labQmp.execute('block_resize', { 'node-name': 'vd0-node', size: 14 * MiB })),
    ends: 'full: disk-resized',
  },
  {
    title: 'grown while the VM is off',
    off: true,
    happens: async (machine) =>
      whileOff(machine, async ({ path }) => {
        await execa('qemu-img', ['resize', '-f', 'qcow2', path, `${20 * MiB}`]);
      }),
    ends: 'full: disk-resized',
  },
  {
    title: 'replaced by another image of the same size, node and path',
    off: true,
    happens: async (machine) =>
      whileOff(machine, async ({ path, virtualBytes }) => {
        await rm(path);
        await createImage({ path, virtualBytes });
        await execa('qemu-io', ['-f', 'qcow2', '-c', `write -P 77 ${5 * MiB} 1M`, path]);
      }),
    ends: 'full: no-tracking',
  },
  {
    title: 'replaced by a copy of itself that a tool made without its bitmaps',
    off: true,
    happens: async (machine) =>
      whileOff(machine, async ({ path }) => {
        await execa('qemu-img', ['convert', '-O', 'qcow2', path, `${path}.copy`]);
        await rename(`${path}.copy`, path);
      }),
    ends: 'full: no-tracking',
  },
  {
    title: 'opened by a tool that was killed while the VM was off',
    off: true,
    happens: async (machine) => whileOff(machine, openAndDie),
    ends: 'full: tracking-inconsistent',
  },
  {
    title: 'robbed of the bitmap that records',
    byHand: true,
    happens: async (machine) => removeSegments(machine, (names) => names.slice(-1)),
    ends: 'full: tracking-broken',
  },
  {
    title: 'robbed of all its bitmaps',
    byHand: true,
    happens: async (machine) => removeSegments(machine, (names) => names),
    ends: 'full: no-tracking',
  },
  {
    title: 'kept from recording',
    byHand: true,
    happens: async (machine) => {
      const [name = ''] = (await segmentNames(machine, 'vd0-node')).slice(-1);
      await machine.labQmp.execute('block-dirty-bitmap-disable', { node: 'vd0-node', name });
    },
    ends: 'full: tracking-broken',
  },
];

const staysIncremental: readonly Change[] = [
  {
    title: 'robbed of a bitmap in the middle, which the next backup has no need of',
    backups: 3,
    byHand: true,
    happens: async (machine) => removeSegments(machine, (names) => names.slice(1, 2)),
    ends: 'incremental: changes-since-parent',
  },
  {
    title: 'switched off and on with its VM',
    off: true,
    happens: async (machine) => whileOff(machine, async () => undefined),
    ends: 'incremental: changes-since-parent',
  },
  {
    title: 'written to, while the VM is off, by a tool that knows of bitmaps',
    off: true,
    happens: async (machine) =>
      whileOff(machine, async ({ path }) => {
        await execa('qemu-io', ['-f', 'qcow2', '-c', `write -P 78 ${7 * MiB} 1M`, path]);
      }),
    ends: 'incremental: changes-since-parent',
  },
];

for (const [promise, changes] of [
  ['in full, that disk alone,', goesFull],
  ['by its changes', staysIncremental],
] as const)
  describe(`a disk is backed up ${promise}`, () => {
    for (const { title, off, byHand, happens, backups = 2, ends } of changes)
      it(`when it was ${title}`, async (context) => {
        await using machine = await startQemu({ disks });
        if (off) await needKeptBitmaps(context, machine);
        if (byHand) await needMerging(context, machine);
        await using rig = await makeRig(machine);
        for (let round = 0; round < backups; round++) {
          await writeToAll(machine, round);
          await exactBackup(rig);
        }
        await writeToAll(machine, 4);

        await happens(machine);

        await writeToAll(machine, 5);
        expect(await exactBackup(rig)).toEqual([`vd0 ${ends}`, goesOn('vd1')]);
        await writeToAll(machine, 6);
        expect(await exactBackup(rig)).toEqual(bothGoOn);
      });
  });

it('an older copy of an image that is brought back is backed up since the backup that it knows', async (context) => {
  await using machine = await startQemu({ disks });
  await needKeptBitmaps(context, machine);
  await using rig = await makeRig(machine);
  const older = join(machine.folder, 'older.qcow2');
  await writeToAll(machine, 1);
  await exactBackup(rig);
  await writeToAll(machine, 2);
  await whileOff(machine, async ({ path }) => copyFile(path, older));
  await writeToAll(machine, 3);
  await exactBackup(rig);

  await whileOff(machine, async ({ path }) => copyFile(older, path));

  await writeToAll(machine, 4);
  expect(await exactBackup(rig)).toEqual(bothGoOn);
  await writeToAll(machine, 5);
  expect(await exactBackup(rig)).toEqual(bothGoOn);
});

async function removeSegments(
  machine: Machine,
  which: (names: readonly string[]) => readonly string[],
): Promise<void> {
  const node = 'vd0-node';
  for (const name of which(await segmentNames(machine, node)))
    await machine.labQmp.execute('block-dirty-bitmap-remove', { node, name });
}
