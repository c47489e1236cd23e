import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTempFolder } from '../../lab/temp-folder.ts';
import { contentOf, DiskModel, runsOf, sectorBytes, writeRaw } from '../../torture/disk-model.ts';

const piece = (start: number, sectors: number) => ({
  offset: start * sectorBytes,
  bytes: sectors * sectorBytes,
});

describe('DiskModel', () => {
  it('holds what was written last, and zeroes elsewhere', () => {
    const model = new DiskModel(8 * sectorBytes);
    model.fill(1, piece(1, 4));
    model.fill(2, piece(3, 1));
    model.fill(0, piece(4, 1));

    expect([...model.content()]).toEqual([0, 1, 1, 2, 0, 0, 0, 0]);
  });

  it('gives contents that later writes do not change', () => {
    const model = new DiskModel(2 * sectorBytes);
    const before = model.content();
    model.fill(7, piece(0, 2));

    expect([...before]).toEqual([0, 0]);
  });

  it('keeps what it holds when it grows', () => {
    const model = new DiskModel(sectorBytes);
    model.fill(3, piece(0, 1));
    model.grow(2 * sectorBytes);

    expect([...model.content()]).toEqual([3, 0]);
    expect(model.bytes).toBe(2 * sectorBytes);
  });

  it('is the same after a way through a raw image', async () => {
    await using temp = await makeTempFolder();
    const model = new DiskModel(16 * sectorBytes);
    model.fill(5, piece(2, 3));
    model.fill(6, piece(15, 1));
    const path = join(temp.path, 'disk.raw');
    await writeRaw(model.content(), path);

    expect(contentOf(await readFile(path))).toEqual(model.content());
  });
});

describe('runsOf', () => {
  it('tells each stretch of one byte, and none of zeroes', () => {
    expect([...runsOf(Uint8Array.from([0, 1, 1, 2, 0, 2]))]).toEqual([
      { byte: 1, start: 1, end: 3 },
      { byte: 2, start: 3, end: 4 },
      { byte: 2, start: 5, end: 6 },
    ]);
  });
});

describe('contentOf', () => {
  it('refuses a sector of which only a part was written', () => {
    const raw = Buffer.alloc(2 * sectorBytes);
    raw[sectorBytes + 100] = 1;

    expect(() => contentOf(raw)).toThrow('sector 1 is torn');
  });
});
