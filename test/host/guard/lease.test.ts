import { describe, expect, it } from 'vitest';
import { Lease, type Asker } from '../../../host/guard/lease.ts';

const taker: Asker = { left: false };
const other: Asker = { left: false };

function armed(): Lease {
  const lease = new Lease();
  lease.arm(taker);
  return lease;
}

describe('Lease', () => {
  it('is held when the taker takes its instant before it breaks', () => {
    const lease = armed();

    expect(lease.take(taker)).toBe(true);
    expect(lease).toMatchObject({ phase: 'taken', held: true, broken: undefined });
    expect(lease.take(taker)).toBe(true);
  });

  it('is not held when it broke before', () => {
    const lease = armed();
    lease.break('the deadline');

    expect(lease.take(taker)).toBe(false);
    expect(lease).toMatchObject({ phase: 'broken', held: false, broken: 'the deadline' });
    expect(lease.arm(taker)).toBe('the lease is broken: the deadline');
  });

  it('stays held when the copy breaks after the instant', () => {
    const lease = armed();
    lease.take(taker);
    lease.break('io-error');

    expect(lease).toMatchObject({ phase: 'taken', held: true, broken: 'io-error' });
  });

  it('keeps the first reason', () => {
    const lease = armed();
    lease.break('the deadline');
    lease.break('the taker went');

    expect(lease.broken).toBe('the deadline');
  });

  it('takes nothing from one that is not armed', () => {
    const lease = new Lease();

    expect(lease.take(taker)).toBe(false);
    expect(lease.phase).toBe('ready');
  });

  it('has one taker', () => {
    const lease = armed();

    expect(lease.arm(other)).toBe('another connection is the taker');
    expect(lease.take(other)).toBe(false);
    expect(lease.arm(taker)).toBeUndefined();
    expect([lease.isTaker(taker), lease.isTaker(other)]).toEqual([true, false]);
  });

  it('is over once it was taken', () => {
    const lease = armed();
    lease.take(taker);

    expect(lease.arm(other)).toBe('the instant has been taken');
    expect(lease.isTaker(taker)).toBe(false);
  });
});
