import { describe, expect, it } from 'vitest';
import { Disk, ForeignBitmap, indexOf, sizeOf } from '../../torture/disk.ts';
import type { Write } from '../../torture/story.ts';

const MiB = 1024 ** 2;
const cluster = 65_536;
const disk = new Disk({ index: 1, path: '/disk', format: 'qcow2', bytes: 5 * MiB });
const write = (changes: Partial<Write>): Write => ({
  op: 'write',
  disk: 0,
  at: 0,
  sectors: 1,
  ...changes,
});

describe('a disk of a story', () => {
  it('is known by its size, also when it has grown', () => {
    for (const index of [0, 1, 2, 3]) {
      expect(indexOf(sizeOf(index, 2))).toBe(index);
      expect(indexOf(sizeOf(index, 2) + 4 * MiB)).toBe(index);
    }
  });

  it('keeps every write within its end', () => {
    for (const op of ['write', 'zero', 'discard'] as const)
      for (const at of [0, 1, 30_000, 65_535]) {
        const { offset, bytes } = disk.pieceOf(write({ op, at, sectors: 4096 }));
        expect(bytes).toBeGreaterThan(0);
        expect(offset + bytes).toBeLessThanOrEqual(5 * MiB);
      }
  });

  it('discards whole clusters alone', () => {
    const { offset, bytes } = disk.pieceOf(write({ op: 'discard', at: 12_345, sectors: 3 }));

    expect([offset % cluster, bytes]).toEqual([0, cluster]);
  });
});

describe('the foreign bitmap of a disk', () => {
  it('has a bit for each cluster that was surely written, and may have one for others', () => {
    const bitmap = new ForeignBitmap(true);
    bitmap.mark({ offset: cluster - 512, bytes: 1024 }, true);
    bitmap.mark({ offset: 4 * cluster, bytes: 512 }, false);

    expect([1, 2, 3, 4].filter((bits) => !bitmap.wrong(bits * cluster))).toEqual([2, 3]);
  });
});
