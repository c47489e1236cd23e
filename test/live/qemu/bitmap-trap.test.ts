import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { eventually } from '../../host/eventually.ts';

const absent = { node: 'vd0-node', name: 'not-there' };

let machine: Machine;
beforeEach(async () => {
  machine = await startQemu();
});
afterEach(async () => machine?.[Symbol.asyncDispose]());

/** Why the product merges segments back by plain commands, and not all or nothing. */
describe('a bitmap that is not there', () => {
  it('kills QEMU when a transaction enables it', async () => {
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
