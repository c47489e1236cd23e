import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bounded } from '../../qemu/bounded.ts';

const never = new Promise<never>(() => {});
const late = () => new Error('late');

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('bounded', () => {
  it('resolves as its promise does', async () => {
    expect(await bounded(Promise.resolve(7), { timeoutMs: 10, late })).toBe(7);
  });

  it('rejects as its promise does', async () => {
    const broken = Promise.reject(new Error('broken'));

    await expect(bounded(broken, { timeoutMs: 10, late })).rejects.toThrow('broken');
  });

  it('rejects with what the caller makes when the time is up', async () => {
    const outcome = bounded(never, { timeoutMs: 10, late }).catch(String);
    await vi.advanceTimersByTimeAsync(10);

    expect(await outcome).toBe('Error: late');
  });

  it('rejects with the reason of its signal', async () => {
    const abort = new AbortController();

    const outcome = bounded(never, { timeoutMs: 10, late, signal: abort.signal });
    abort.abort(new Error('cancelled'));

    await expect(outcome).rejects.toThrow('cancelled');
  });

  it('rejects at once when its signal has aborted before', async () => {
    const signal = AbortSignal.abort(new Error('cancelled'));

    await expect(bounded(never, { timeoutMs: 10, late, signal })).rejects.toThrow('cancelled');
  });

  it('leaves no timer behind', async () => {
    await bounded(Promise.resolve(), { timeoutMs: 10, late });

    expect(vi.getTimerCount()).toBe(0);
  });
});
