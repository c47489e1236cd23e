import { describe, expect, it } from 'vitest';
import {
  flushDeadlineMs,
  readUnwrittenBytes,
  unwrittenBytesIn,
} from '../../activities/flush-deadline.ts';

const MiB = 1024 ** 2;
const GiB = 1024 * MiB;

describe('flushDeadlineMs', () => {
  it('is the time that a target may stand still where nothing was copied', () => {
    expect(flushDeadlineMs({ stallSeconds: 60, copiedBytes: 0 }, GiB)).toBe(60_000);
  });

  it('leaves a slow target the time to write what was copied and waits in memory', () => {
    expect(flushDeadlineMs({ stallSeconds: 60, copiedBytes: GiB }, 400 * MiB)).toBe(160_000);
  });

  it('counts no more than was copied', () => {
    expect(flushDeadlineMs({ stallSeconds: 60, copiedBytes: 400 * MiB }, GiB)).toBe(160_000);
  });
});

describe('unwrittenBytesIn', () => {
  it('adds up what waits to be written and what is being written', () => {
    const meminfo = 'MemTotal: 24681472 kB\nDirty:     1024 kB\nWriteback:  2048 kB\n';
    expect(unwrittenBytesIn(`${meminfo}WritebackTmp:    512 kB\n`)).toBe(3 * MiB);
  });

  it('reads what this kernel tells', async () => {
    expect(await readUnwrittenBytes()).toBeGreaterThanOrEqual(0);
  });
});
