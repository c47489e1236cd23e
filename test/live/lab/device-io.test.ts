import { describe, expect, it } from 'vitest';
import { nodesOf } from '../../../lab/nodes-of.ts';
import { startQemu } from '../../../lab/start-qemu.ts';

const MIB = 1024 ** 2;
const FIRST = { offset: 0, bytes: 65_536 };

describe('DeviceIo', () => {
  it('writes what a bitmap on the disk sees', async () => {
    await using machine = await startQemu();
    const disk = machine.disk();
    const at = { node: 'vd0-node', name: 'seen' };
    const dirtyBytes = async () => {
      const nodes = await nodesOf(machine.labQmp);
      const node = nodes.find((one) => one['node-name'] === at.node);
      return node?.['dirty-bitmaps']?.[0]?.count;
    };
    await machine.labQmp.execute('block-dirty-bitmap-add', { ...at, granularity: 65_536 });

    await machine.device(disk).write(0x41, FIRST);
    expect(await dirtyBytes()).toBe(65_536);
    await machine.device(disk).zero({ offset: 2 * MIB, bytes: 65_536 });
    expect(await dirtyBytes()).toBe(2 * 65_536);
    await machine.device(disk).discard({ offset: 4 * MIB, bytes: 65_536 });
    expect(await dirtyBytes()).toBe(3 * 65_536);
  });

  it('reads back what it wrote, and zeroes after zero and discard', async () => {
    await using machine = await startQemu();
    const device = machine.device(machine.disk());
    await device.write(0x41, FIRST);
    expect(await device.holds(0x41, FIRST)).toBe(true);
    expect(await device.holds(0x42, FIRST)).toBe(false);
    await device.zero(FIRST);
    expect(await device.holds(0, FIRST)).toBe(true);
    await device.write(0x41, FIRST);
    await device.discard(FIRST);
    expect(await device.holds(0, FIRST)).toBe(true);
  });

  it('fails with the words of QEMU when the device refuses', async () => {
    await using machine = await startQemu({ disks: [{ virtualBytes: MIB }] });
    const beyond = machine.device(machine.disk()).write(0x41, { offset: 2 * MIB, bytes: 4096 });
    await expect(beyond).rejects.toThrow(/vd0.*write -P 65.*Input\/output error/s);
  });

  it('keeps the answers of many commands at once apart', async () => {
    await using machine = await startQemu();
    const device = machine.device(machine.disk());
    const pieces = Array.from({ length: 16 }, (_, at) => ({
      offset: at * MIB,
      bytes: 4096 * (at + 1),
    }));
    await Promise.all(pieces.map((piece, at) => device.write(at + 1, piece)));
    const found = await Promise.all(pieces.map((piece, at) => device.holds(at + 1, piece)));
    expect(found).toEqual(pieces.map(() => true));
  });
});
