import { beforeEach, describe, expect, it } from 'vitest';
import { compare } from '../../../lab/compare.ts';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import {
  dirtyExtents,
  expectServed,
  extentsByQemu,
  heldOf,
  keepUp,
  readers,
} from '../rig/consumer.ts';
import { ExportWay } from '../rig/export-way.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needFilter, needShield } from '../rig/need.ts';
import { expectSame, type Oracle } from '../rig/oracle.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';
import { whileGuestChanges } from './guest-changes.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];

/** A machine whose disks hold something everywhere that a test looks. */
async function filled(machine: Machine): Promise<void> {
  for (const disk of machine.disks)
    await machine.device(disk).write(77, { offset: 0, bytes: 40 * MiB });
}

async function expectKept(way: ExportWay, held: Oracle): Promise<void> {
  const kept = await keepUp(way);
  for (const [index, disk] of way.served.entries())
    expect(await compare(kept[index] ?? '', await heldOf(disk, held))).toBe('identical');
}

describe('an export', () => {
  beforeEach(async (context) => {
    await using machine = await startQemu({ disks: [{}] });
    await needShield(context, machine, 'fleece');
  });

  for (const reader of Object.keys(readers) as (keyof typeof readers)[])
    it(`is read by ${reader} as it was at the instant, whatever the guest writes meanwhile`, async () => {
      await using machine = await startQemu({ disks });
      await using rig = await makeRig(machine);
      await filled(machine);
      const way = new ExportWay(rig);
      const held = await way.toServed();

      await whileGuestChanges(machine, async () => {
        for (let time = 0; time < 3; time++) await expectServed(way, held, reader);
      });

      expect(await way.complete()).toMatchObject({
        outcome: 'completed',
        kind: 'full',
        disks: [{ device: 'vd0' }, { device: 'vd1' }],
      });
      expect(await leftovers(rig)).toEqual([]);
    });

  it('tells what has changed since the last one, and a copy is kept up to date by that alone', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    await filled(machine);
    for (let round = 0; round < 3; round++) {
      const way = new ExportWay(rig);
      const held = await way.toServed();
      await whileGuestChanges(machine, () => expectKept(way, held));
      const { kind, parent } = await way.complete();
      expect([kind, parent === null]).toEqual(
        round === 0 ? ['full', true] : ['incremental', false],
      );
    }
    expect(await leftovers(rig)).toEqual([]);
  });

  it('marks what the guest has written, zeroed and discarded, and nothing else', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    await filled(machine);
    await (await new ExportWay(rig).until('startExport')).complete();
    const device = machine.device(machine.disk(0));
    await device.write(5, { offset: 2 * MiB, bytes: MiB });
    await device.zero({ offset: 8 * MiB, bytes: 65_536 });
    await device.discard({ offset: 16 * MiB, bytes: 131_072 });

    const way = await new ExportWay(rig).until('startExport');

    const [first, second] = way.served;
    if (!first || !second) throw new Error('two disks are served');
    const changed = [
      { start: 2 * MiB, length: MiB },
      { start: 8 * MiB, length: 65_536 },
      { start: 16 * MiB, length: 131_072 },
    ];
    expect(await dirtyExtents(first)).toEqual(changed);
    expect(await extentsByQemu(first)).toEqual(changed);
    expect(await dirtyExtents(second)).toEqual([]);
  });

  it('that is discarded while somebody reads leaves nothing, and the next one holds all changes', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    await filled(machine);
    const first = new ExportWay(rig);
    await first.toServed();
    await keepUp(first);
    await first.complete();
    await machine.device(machine.disk(0)).write(6, { offset: 3 * MiB, bytes: MiB });
    const given = await new ExportWay(rig).until('startExport');
    // It fails, maybe before anyone waits for it.
    const reading = readers.nbdcopy(given.served[0]?.uri ?? '', 'null:').catch(() => undefined);

    expect(await given.rollback()).toEqual({ troubles: [] });

    await reading;
    expect(await leftovers(rig)).toEqual([]);
    await machine.device(machine.disk(1)).zero({ offset: 4 * MiB, bytes: MiB });
    await expectNextExport(rig, first.plan.backupId);
  });

  it('is worth nothing once the scratch could not keep what the guest overwrote, and the guest does not notice', async (context) => {
    await using machine = await startQemu({ disks });
    await needFilter(context, machine);
    await using rig = await makeRig(machine, { vm: { scratchBytes: 4 * MiB } });
    await filled(machine);
    const way = new ExportWay(rig);
    await way.toServed();

    // A write that failed would be thrown.
    await machine.device(machine.disk(1)).write(8, { offset: 0, bytes: 8 * MiB });

    await expect(way.complete()).rejects.toMatchObject({ name: 'SnapshotBrokenError' });
    await way.rollback();
    expect(await leftovers(rig)).toEqual([]);
  });

  it('leaves an NBD server alone that somebody else has started', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    const { labQmp } = machine;
    const path = `${machine.folder}/theirs.sock`;
    await labQmp.execute('nbd-server-start', { addr: { type: 'unix', data: { path } } });
    const [node, name] = ['vd0-node', 'theirs'];
    await (labQmp.lacks('block-export-add')
      ? labQmp.execute('nbd-server-add', { device: node, name })
      : labQmp.execute('block-export-add', { type: 'nbd', id: name, 'node-name': node, name }));
    const way = new ExportWay(rig);

    await expect(way.until('prepareExport')).rejects.toMatchObject({ name: 'NbdServerBusyError' });
    await way.rollback();

    await readers.nbdcopy(`nbd+unix:///theirs?socket=${path}`, 'null:');
    expect(await leftovers(rig)).toEqual([]);
  });

  it('is not trusted any more when QEMU was killed, and leaves nothing', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    await filled(machine);
    const way = await new ExportWay(rig).until('startExport');
    await machine.kill();

    await expect(way.complete()).rejects.toMatchObject({ name: 'QmpConnectError' });
    await machine.restart();
    await expect(way.complete()).rejects.toMatchObject({ name: 'ExportLostError' });

    await way.rollback();
    expect(await leftovers(rig)).toEqual([]);
  });
});

describe('a checkpoint', () => {
  beforeEach(async (context) => {
    await using machine = await startQemu({ disks: [{}] });
    await needShield(context, machine, 'fleece');
  });

  it('is no parent of a backup, and backups stay incremental across it', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    await filled(machine);
    const full = new Way(rig);
    await full.toEnd();
    await machine.device(machine.disk(0)).write(2, { offset: MiB, bytes: MiB });
    await (await new ExportWay(rig).until('startExport')).complete();
    await machine.device(machine.disk(0)).write(3, { offset: 4 * MiB, bytes: MiB });

    const next = new Way(rig);
    const held = await next.toInstant();

    expect(await next.toEnd()).toMatchObject({ kind: 'incremental', parent: full.plan.backupId });
    await expectSame(rig, next.plan, held);
    await machine.device(machine.disk(1)).write(4, { offset: 5 * MiB, bytes: MiB });
    const since = full.plan.backupId;
    const way = await new ExportWay(rig, { kind: 'differential', since }).until('startExport');
    expect(way.plan).toMatchObject({ kind: 'differential', parent: since });
    expect(await Promise.all(way.served.map(dirtyExtents))).toEqual([
      [
        { start: MiB, length: MiB },
        { start: 4 * MiB, length: MiB },
      ],
      [{ start: 5 * MiB, length: MiB }],
    ]);
    await way.complete();
  });

  it('that is not there cannot be asked for', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    const since = '20200101T000000Z-0000';

    await expect(
      new ExportWay(rig, { kind: 'differential', since }).until('planExport'),
    ).rejects.toMatchObject({ name: 'BackupNotFoundError' });
  });
});

/** The next export is incremental to that checkpoint, and a consumer that kept that one's content is exact by it. */
async function expectNextExport(rig: Rig, parent: string): Promise<void> {
  const next = new ExportWay(rig);
  const held = await next.toServed();
  expect(next.plan).toMatchObject({ kind: 'incremental', parent });
  await expectKept(next, held);
  await next.complete();
}
