import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { copyOfDisk } from '../../../lab/copy-of-disk.ts';
import { compare } from '../../../lab/compare.ts';
import { nodesOf } from '../../../lab/nodes-of.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { QmpClient } from '../../../qemu/qmp/client.ts';

const PIECE = { offset: 0, bytes: 65_536 };
const bitmap = { node: 'vd0-node', name: 'kept', persistent: true, granularity: 65_536 };

describe('Machine', () => {
  it('has a QMP socket for the product that the lab leaves free', async () => {
    await using machine = await startQemu();
    await using qmp = await QmpClient.connect(machine.qmpSocket, AbortSignal.timeout(10_000));
    expect(await qmp.execute('query-status', {})).toMatchObject({ status: 'prelaunch' });
  });

  it('keeps persistent bitmaps over quit and restart', async () => {
    await using machine = await startQemu();
    await machine.labQmp.execute('block-dirty-bitmap-add', bitmap);
    await machine.quit();
    await machine.restart();
    expect(await bitmapsOf(machine.labQmp)).toMatchObject([{ name: 'kept', recording: true }]);
  });

  it('leaves an inconsistent bitmap after kill and restart, as a power cut does', async () => {
    await using machine = await startQemu();
    await machine.labQmp.execute('block-dirty-bitmap-add', bitmap);
    await machine.quit();
    await machine.restart();
    await machine.device(machine.disk()).write(0x41, PIECE);
    await machine.kill();
    await machine.restart();
    expect(await bitmapsOf(machine.labQmp)).toMatchObject([{ name: 'kept', inconsistent: true }]);
  });

  it('holds the same content after a restart', async () => {
    await using machine = await startQemu();
    await machine.device(machine.disk()).write(0x41, PIECE);
    const before = await copyOfDisk(machine, machine.disk(), 'before');
    await machine.kill();
    await machine.restart();
    const after = await copyOfDisk(machine, machine.disk(), 'after');
    expect(await compare(before, after)).toBe('identical');
  });

  it('leaves no process and no folder behind', async () => {
    const machine = await startQemu();
    const { pid, folder } = machine;
    await machine[Symbol.asyncDispose]();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  it('says what QEMU said when it does not start', async () => {
    const start = startQemu({ qemu: ['qemu-system-x86_64', '-no-such-option'] });
    await expect(start).rejects.toThrow(/ended before it was ready: .*no-such-option/s);
  });
});

async function bitmapsOf(qmp: QmpClient) {
  const nodes = await nodesOf(qmp);
  return nodes.find((node) => node['node-name'] === 'vd0-node')?.['dirty-bitmaps'];
}
