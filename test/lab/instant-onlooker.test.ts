import { EventEmitter, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { instantOnlooker } from '../../lab/instant-onlooker.ts';
import type { QmpClient } from '../../qemu/qmp/client.ts';
import { relayed } from './relayed.ts';

const STOP = '{"event": "STOP"}';
const RESUME = '{"event": "RESUME"}';
const CONT = '{"execute":"cont","id":"1"}';
const INSTANT = JSON.stringify({
  execute: 'transaction',
  arguments: { actions: [{ type: 'blockdev-backup', data: { device: 'disk' } }] },
  id: '7',
});
const ANSWER = '{"return": {}, "id": "7"}';

describe('instantOnlooker', () => {
  it('looks before a cont that ends a stop', async () => {
    await using scene = await watched();
    scene.qemu.write(`${STOP}\n`);
    expect(await scene.atClient()).toBe(STOP);
    scene.client.write(`${CONT}\n`);
    expect(await scene.atQemu()).toBe(CONT);
    expect(scene.order).toEqual(['take']);
  });

  it('lets a cont through at once when the machine runs', async () => {
    await using scene = await watched();
    scene.qemu.write(`${STOP}\n${RESUME}\n`);
    await scene.atClient();
    await scene.atClient();
    scene.client.write(`${CONT}\n`);
    expect(await scene.atQemu()).toBe(CONT);
    expect(scene.order).toEqual([]);
  });

  it('has a machine that runs stand still for a transaction until its answer, and hides that', async () => {
    await using scene = await watched();
    scene.client.write(`${INSTANT}\n`);
    expect(await scene.atQemu()).toBe(INSTANT);
    expect(scene.order).toEqual(['query-status', 'stop', 'take']);
    scene.qemu.write(`${ANSWER}\n`);
    expect(await scene.atClient()).toBe(ANSWER);
    expect(scene.order.at(-1)).toBe('cont');
    // The next ones are the product's again.
    scene.qemu.write(`${STOP}\n`);
    expect(await scene.atClient()).toBe(STOP);
  });

  it('lets a machine go on whose stop is late', async () => {
    await using scene = await watched({ late: 'stop' });
    scene.client.write(`${INSTANT}\n`);
    await scene.atQemu();
    scene.qemu.write(`${ANSWER}\n`);
    expect(await scene.atClient()).toBe(ANSWER);
    expect(scene.order.at(-1)).toBe('cont');
  });

  it('leaves a machine alone that did not run', async () => {
    await using scene = await watched({ running: false });
    scene.client.write(`${INSTANT}\n`);
    await scene.atQemu();
    expect(scene.order).toEqual(['query-status']);
    scene.qemu.write(`${STOP}\n`);
    expect(await scene.atClient()).toBe(STOP);
  });

  it('lets a machine go on whose answer never comes', async () => {
    await using scene = await watched();
    const continued = once(scene.told, 'cont');
    scene.client.write(`${INSTANT}\n`);
    await scene.atQemu();
    scene.client.destroy();
    await expect(continued).resolves.toBeDefined();
  });
});

/** A relay whose machine tells every monitor of what the lab's own does to it. */
async function watched({ running = true, late = '' } = {}) {
  const order: string[] = [];
  const told = new EventEmitter();
  const events: Readonly<Record<string, string>> = { stop: STOP, cont: RESUME };
  const labQmp = {
    async execute(command: string) {
      order.push(command);
      told.emit(command);
      if (events[command] !== undefined) pair.qemu.write(`${events[command]}\n`);
      if (command === late) throw new Error('no answer in time');
      return { running };
    },
  } as unknown as QmpClient;
  const take = async () => void order.push('take');
  const pair = await relayed(instantOnlooker({ labQmp }, { take, spell: (line) => line }));
  return { ...pair, order, told };
}
