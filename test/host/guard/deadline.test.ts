import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadline } from '../../../host/guard/deadline.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('Deadline', () => {
  it('passes once its time is over', () => {
    const passed = vi.fn<() => void>();
    const deadline = new Deadline(1_000, passed);

    deadline.start();
    vi.advanceTimersByTime(999);
    expect([passed.mock.calls.length, deadline.passed]).toEqual([0, false]);
    vi.advanceTimersByTime(1);

    expect([passed.mock.calls.length, deadline.passed]).toEqual([1, true]);
  });

  it('is not put off by a second start', () => {
    const deadline = new Deadline(1_000, () => {});
    deadline.start();
    vi.advanceTimersByTime(600);

    deadline.start();

    expect(deadline.leftMs).toBe(400);
  });

  it('does not pass when it is called off, and may be started again', () => {
    const deadline = new Deadline(1_000, () => {});
    deadline.start();
    deadline.stop();
    vi.advanceTimersByTime(5_000);
    expect([deadline.passed, deadline.runs, deadline.leftMs]).toEqual([false, false, 1_000]);

    deadline.start();
    vi.advanceTimersByTime(1_000);

    expect(deadline.passed).toBe(true);
  });
});
