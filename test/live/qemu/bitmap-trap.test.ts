import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Machine } from '../../../lab/machine.ts';
import { nodesOf } from '../../../lab/nodes-of.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { eventually } from '../../host/eventually.ts';
import { needMerging } from '../rig/need.ts';

const absent = { node: 'vd0-node', name: 'not-there' };

let machine: Machine;
beforeEach(async () => {
  machine = await startQemu();
});
afterEach(async () => machine?.[Symbol.asyncDispose]());

/** Why the product merges segments back by plain commands, and not all or nothing. */
describe('a bitmap that is not there', () => {
  it('kills QEMU when a transaction enables it', async (context) => {
    await needMerging(context, machine);
    const type = 'block-dirty-bitmap-enable';

    const answer = machine.labQmp.execute('transaction', { actions: [{ type, data: absent }] });

    await expect(answer).rejects.toMatchObject({ name: 'QmpDisconnectedError' });
    await eventually(() => !machine.alive);
  });

  for (const command of ['block-dirty-bitmap-enable', 'block-dirty-bitmap-remove'] as const)
    it(`is an error, and no more, to a plain ${command}`, async () => {
      await expect(machine.labQmp.execute(command, absent)).rejects.toMatchObject({
        name: 'QmpCommandError',
      });

      expect(await machine.labQmp.execute('query-status', {})).toMatchObject({ running: false });
    });

  it('is an error, and no more, to a plain merge from it and into it', async () => {
    const there = { node: 'vd0-node', name: 'there' };
    await machine.labQmp.execute('block-dirty-bitmap-add', { ...there, granularity: 65_536 });
    for (const [target, source] of [
      ['there', 'not-there'],
      ['not-there', 'there'],
    ] as const) {
      const merge = { node: 'vd0-node', target, bitmaps: [source] };
      await expect(machine.labQmp.execute('block-dirty-bitmap-merge', merge)).rejects.toMatchObject(
        { name: 'QmpCommandError' },
      );
    }

    expect(await machine.labQmp.execute('query-status', {})).toMatchObject({ running: false });
  });
});

/** QEMU 3.1 and 4.0 empty the target of a merge in a transaction whose source is empty. */
it('a merge in a transaction loses nothing where some of its sources are empty', async (context) => {
  await needMerging(context, machine);
  const { labQmp } = machine;
  const node = 'vd0-node';
  const io = machine.device(machine.disk());
  const names = ['recording', 'empty', 'early', 'late'];
  const rest = async (name: string) => labQmp.execute('block-dirty-bitmap-disable', { node, name });
  for (const name of names)
    await labQmp.execute('block-dirty-bitmap-add', { node, name, granularity: 65_536 });
  for (const name of ['empty', 'late']) await rest(name);
  await io.write(1, { offset: 0, bytes: 65_536 });
  await rest('early');
  await labQmp.execute('block-dirty-bitmap-enable', { node, name: 'late' });
  await io.write(2, { offset: 196_608, bytes: 131_072 });
  await rest('late');
  await labQmp.execute('block-dirty-bitmap-clear', { node, name: 'recording' });

  await labQmp.execute('transaction', {
    actions: [
      {
        type: 'block-dirty-bitmap-add',
        data: { node, name: 'all', granularity: 65_536, disabled: true },
      },
      {
        type: 'block-dirty-bitmap-merge',
        data: { node, target: 'all', bitmaps: ['early', 'empty', 'late', 'recording'] },
      },
    ],
  });

  const bitmaps = (await nodesOf(labQmp)).flatMap((one) => one['dirty-bitmaps'] ?? []);
  expect(bitmaps.find(({ name }) => name === 'all')).toMatchObject({ count: 3 * 65_536 });
});
