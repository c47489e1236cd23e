import { describe, expect, it } from 'vitest';
import { TargetStalledError } from '../../capture/errors.ts';
import { StallClock } from '../../capture/stall-clock.ts';

/** Sees that many bytes at each of these seconds. */
function see(clock: StallClock, ...seen: readonly (readonly [seconds: number, bytes: number])[]) {
  for (const [seconds, bytes] of seen) clock.see(bytes, seconds * 1_000);
}

describe('StallClock', () => {
  it('is content while the figure changes in time', () => {
    expect(() => see(new StallClock(60), [0, 0], [59, 1], [118, 2])).not.toThrow();
  });

  it('throws when the figure has stood still for so long', () => {
    const look = () => see(new StallClock(60), [0, 0], [59, 7], [100, 7], [119, 7]);

    expect(look).toThrow(TargetStalledError);
    expect(look).toThrow('no progress for 60 s at 7 bytes');
  });

  it('counts from the first look, and not from the start of the machine', () => {
    expect(() => see(new StallClock(60), [10_000, 0])).not.toThrow();
  });

  it('waits longer for a copy that is to be silent, until its next progress', () => {
    const clock = new StallClock(60);
    see(clock, [0, 0]);
    clock.expectSilence(16);
    see(clock, [75, 0], [76, 1], [135, 1]);

    expect(() => see(clock, [136, 1])).toThrow(TargetStalledError);
  });

  it('takes a figure that falls for a change: a second pass begins anew', () => {
    expect(() => see(new StallClock(60), [0, 7], [59, 3], [118, 7])).not.toThrow();
  });
});
