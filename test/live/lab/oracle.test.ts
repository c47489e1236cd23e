import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compare } from '../../../lab/compare.ts';
import { copyOfDisk } from '../../../lab/copy-of-disk.ts';
import { startInstantTap } from '../../../lab/instant-tap.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { QmpClient } from '../../../qemu/qmp/client.ts';

const PIECE = { offset: 1024 ** 2, bytes: 65_536 };

describe('copyOfDisk', () => {
  for (const format of ['qcow2', 'raw'] as const)
    it(`holds what the disk held, and not what came later: ${format}`, async () => {
      await using machine = await startQemu({ disks: [{ format }] });
      const disk = machine.disk();
      await machine.device(disk).write(0x41, PIECE);
      const first = await copyOfDisk(machine, disk, 'first');
      const again = await copyOfDisk(machine, disk, 'again');
      await machine.device(disk).write(0x42, PIECE);
      const second = await copyOfDisk(machine, disk, 'second');
      expect(await compare(first, again)).toBe('identical');
      expect(await compare(first, second)).toBe(`Content mismatch at offset ${PIECE.offset}!`);
    });

  it('leaves a running guest running', async () => {
    await using machine = await startQemu({ guest: {} });
    await copyOfDisk(machine, machine.disk());
    expect(await machine.labQmp.execute('query-status', {})).toMatchObject({ running: true });
  });
});

describe('startInstantTap', () => {
  it('copies the disks of a writing guest as they are when it is stopped, and lets it go on', async () => {
    await using machine = await startQemu({
      disks: [{}, { format: 'raw' }],
      guest: { workload: true },
    });
    await using tap = await startInstantTap(machine);
    await using qmp = await QmpClient.connect(tap.qmpSocket, AbortSignal.timeout(10_000));

    await qmp.execute('stop', {});
    const oracles = [];
    for (const disk of machine.disks) oracles.push(await copyOfDisk(machine, disk));
    await qmp.execute('cont', {});

    expect(tap.copies).toHaveLength(1);
    const [copy] = tap.copies;
    for (const [at, { name }] of machine.disks.entries())
      expect(await compare(copy?.files.get(name) ?? '', oracles[at] ?? '')).toBe('identical');
    const before = Number(await machine.guest.run('cat /mnt/sp-vd0/counter'));
    await expect
      .poll(() => machine.guest.run('cat /mnt/sp-vd0/counter').then(Number), { timeout: 60_000 })
      .toBeGreaterThan(before);
    const later = await copyOfDisk(machine, machine.disk(), 'later');
    expect(await compare(copy?.files.get('vd0') ?? '', later)).toMatch(/^Content mismatch/);
  });

  it('passes a cont on at once when nobody stopped the machine', async () => {
    await using machine = await startQemu({ guest: {} });
    await using tap = await startInstantTap(machine);
    await using qmp = await QmpClient.connect(tap.qmpSocket, AbortSignal.timeout(10_000));
    await qmp.execute('cont', {});
    expect(tap.copies).toHaveLength(0);
  });

  it('lets the machine go on when it cannot copy, and says so', async () => {
    await using machine = await startQemu({ guest: {} });
    const gone = { ...machine.disk(), path: join(machine.folder, 'gone.qcow2') };
    const { qmpSocket, folder, labQmp } = machine;
    await using tap = await startInstantTap({ qmpSocket, folder, labQmp, disks: [gone] });
    await using qmp = await QmpClient.connect(tap.qmpSocket, AbortSignal.timeout(10_000));
    await qmp.execute('stop', {});
    await qmp.execute('cont', {});
    expect(await machine.labQmp.execute('query-status', {})).toMatchObject({ running: true });
    expect(() => tap.copies).toThrow(/gone\.qcow2/);
  });
});
