import { describe, expect, it } from 'vitest';
import { flushDeadlineMs } from '../../activities/flush-deadline.ts';

const MiB = 1024 ** 2;
const GiB = 1024 * MiB;

describe('flushDeadlineMs', () => {
  it('is the time that a target may stand still where nothing was copied', () => {
    expect(flushDeadlineMs({ stallSeconds: 60, copiedBytes: 0 })).toBe(60_000);
  });

  it('leaves a slow target the time to write all that was copied', () => {
    expect(flushDeadlineMs({ stallSeconds: 60, copiedBytes: 400 * MiB }, 64 * GiB)).toBe(160_000);
  });

  it('counts no more than the memory can hold', () => {
    const copied = (copiedBytes: number) =>
      flushDeadlineMs({ stallSeconds: 60, copiedBytes }, 10 * GiB);

    expect(copied(1024 * GiB)).toBe(copied(2 * GiB));
  });
});
