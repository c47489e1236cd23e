import { describe, expect, it } from 'vitest';
import { Gate } from '../../torture/gate.ts';

describe('Gate', () => {
  it('lets one through at a time, in their order', async () => {
    const gate = new Gate();
    const order: string[] = [];
    const leave = await gate.enter();
    const second = gate.through(async () => void order.push('second'));
    const third = gate.through(async () => void order.push('third'));
    order.push('first');
    leave();
    await Promise.all([second, third]);

    expect(order).toEqual(['first', 'second', 'third']);
  });

  it('is open again after one that failed', async () => {
    const gate = new Gate();
    await expect(
      gate.through(async () => {
        throw new Error('failed');
      }),
    ).rejects.toThrow('failed');

    expect(await gate.through(async () => 'through')).toBe('through');
  });
});
