import { rename } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { queryAbilities } from '../../../capture/abilities.ts';
import { attachments } from '../../../lab/attachments.ts';
import { compare } from '../../../lab/compare.ts';
import { copyOfDisk } from '../../../lab/copy-of-disk.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { expectSame, publishedFile } from '../rig/oracle.ts';
import { needKeptBitmaps, needMerging } from '../rig/need.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];

/** Backs up, compares with the oracle, and tells why each disk went as it did. */
async function reasonsOfNext(rig: Rig, request = {}): Promise<string[]> {
  const run = new Way(rig, request);
  const held = await run.toInstant();
  const result = await run.toEnd();
  await expectSame(rig, run.plan, held);
  return result.disks.map(({ kind, reason }) => `${kind}: ${reason}`);
}

async function writeSomething({ machine }: Rig, pattern: number): Promise<void> {
  for (const disk of machine.disks)
    await machine.device(disk).write(pattern, { offset: pattern * MiB, bytes: MiB });
}

describe('a disk is backed up', () => {
  it('in full the first time, and its changes after that', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    await writeSomething(rig, 1);

    expect(await reasonsOfNext(rig)).toEqual(['full: first-backup', 'full: first-backup']);
    await writeSomething(rig, 2);
    const changes = 'incremental: changes-since-parent';
    expect(await reasonsOfNext(rig)).toEqual([changes, changes]);
  });

  it('as a raw image too: its changes while QEMU lives, in full after that', async () => {
    await using machine = await startQemu({
      disks: [{ ...disks[0], format: 'raw' }, disks[1] ?? {}],
    });
    await using rig = await makeRig(machine);
    await writeSomething(rig, 1);
    await reasonsOfNext(rig);
    await writeSomething(rig, 2);
    const changes = 'incremental: changes-since-parent';
    expect(await reasonsOfNext(rig)).toEqual([changes, changes]);

    await machine.quit();
    await machine.restart();
    await writeSomething(rig, 3);

    const { keepsBitmaps } = await queryAbilities(machine.labQmp);
    const kept = keepsBitmaps ? changes : 'full: no-tracking';
    expect(await reasonsOfNext(rig)).toEqual(['full: no-tracking', kept]);
  });

  for (const { title, closedBefore, reason } of [
    {
      title: 'that came before they were ever written',
      closedBefore: false,
      reason: 'no-tracking',
    },
    {
      title: 'that left them inconsistent',
      closedBefore: true,
      reason: 'tracking-inconsistent',
    },
  ])
    it(`in full after a power cut ${title}`, async (context) => {
      await using machine = await startQemu({ disks });
      if (closedBefore) await needKeptBitmaps(context, machine);
      await using rig = await makeRig(machine);
      await reasonsOfNext(rig);
      if (closedBefore) {
        await machine.quit();
        await machine.restart();
      }

      await machine.kill();
      await machine.restart();
      await writeSomething(rig, 2);

      expect(await reasonsOfNext(rig)).toEqual([`full: ${reason}`, `full: ${reason}`]);
      await writeSomething(rig, 3);
      const changes = 'incremental: changes-since-parent';
      expect(await reasonsOfNext(rig)).toEqual([changes, changes]);
    });

  it('in full, that disk alone, when it has another size', async () => {
    const attachment = attachments.find(
      ({ style, device }) => `${device} ${style}` === 'virtio-blk drive',
    );
    await using machine = await startQemu({
      disks: [{ ...disks[0], ...(attachment && { attachment }) }, disks[1] ?? {}],
    });
    await using rig = await makeRig(machine);
    await reasonsOfNext(rig);

    // HMP's takes the name of a drive.
    const line = `block_resize vd0-drive ${80 * MiB}B`;
    await machine.labQmp.execute('human-monitor-command', { 'command-line': line });

    expect(await reasonsOfNext(rig)).toEqual([
      'full: disk-resized',
      'incremental: changes-since-parent',
    ]);
  });

  it('in full when its image was another device’s before', async (context) => {
    const twins = [{ virtualBytes: 64 * MiB }, { virtualBytes: 64 * MiB }];
    await using machine = await startQemu({ disks: twins });
    await needKeptBitmaps(context, machine);
    await using rig = await makeRig(machine);
    await writeSomething(rig, 1);
    await new Way(rig).toEnd();
    await machine.quit();
    const [first = '', second = ''] = machine.disks.map(({ path }) => path);
    await rename(first, `${first}.moved`);
    await rename(second, first);
    await rename(`${first}.moved`, second);
    await machine.restart();
    await machine.device(machine.disk(0)).write(7, { offset: 32 * MiB, bytes: MiB });

    const run = await new Way(rig).until('publishBackup');

    expect(run.plan.disks.map(({ reason }) => reason)).toEqual(['image-moved', 'image-moved']);
    for (const disk of machine.disks) {
      const file = publishedFile(rig, run.plan.backupId, disk.name);
      expect(await compare(file, await copyOfDisk(machine, disk))).toBe('identical');
    }
  });

  it('by the tier that merges, wherever that is asked for', async (context) => {
    await using machine = await startQemu({ disks });
    await needMerging(context, machine);
    await using rig = await makeRig(machine, { vm: { tier: 'merge' } });
    await writeSomething(rig, 1);
    await reasonsOfNext(rig);
    await writeSomething(rig, 2);
    await machine.device(machine.disk(0)).zero({ offset: MiB, bytes: MiB });
    const changes = 'incremental: changes-since-parent';
    expect(await reasonsOfNext(rig)).toEqual([changes, changes]);

    await machine.device(machine.disk(1)).discard({ offset: 2 * MiB, bytes: MiB });

    const since = 'differential: changes-since-chosen';
    expect(await reasonsOfNext(rig, { kind: 'differential' })).toEqual([since, since]);
  });

  it('since a chosen backup, as a differential', async (context) => {
    await using machine = await startQemu({ disks });
    await needMerging(context, machine);
    await using rig = await makeRig(machine);
    const runs: string[] = [];
    for (const round of [1, 2, 3]) {
      await writeSomething(rig, round);
      const run = new Way(rig);
      runs.push((await run.toEnd()).backupId);
    }
    await writeSomething(rig, 4);
    const run = new Way(rig, { kind: 'differential', since: runs[1] });
    const held = await run.toInstant();

    const result = await run.toEnd();

    expect(result).toMatchObject({ kind: 'differential', parent: runs[1] });
    expect(run.plan.disks.map(({ merge }) => merge.length)).toEqual([2, 2]);
    await expectSame(rig, run.plan, held);
  });
});
