import { describe, expect, it } from 'vitest';
import { allocation, dirtyContext, piecesOf, type Piece } from '../../capture/pieces.ts';
import type { NbdClient } from '../../qemu/nbd/client.ts';

const KiB = 1024;
const MiB = KiB * KiB;
const bitmap = dirtyContext('tmp');

type Extents = readonly (readonly [length: number, flags: number])[];

/** A server that tells of a disk what its answers say, one after the other. */
function served(...answers: { kinds: Extents; changed?: Extents }[]): NbdClient {
  const lengths = answers.map(({ kinds }) => kinds.reduce((sum, [length]) => sum + length, 0));
  const left = [...answers];
  const extents = (of: Extents) => of.map(([length, flags]) => ({ length, flags }));
  return {
    sizeBytes: lengths.reduce((sum, length) => sum + length, 0),
    blockStatus: async () => {
      const { kinds, changed = [] } = left.shift() ?? { kinds: [] };
      return new Map([
        [allocation, extents(kinds)],
        [bitmap, extents(changed)],
      ]);
    },
  } as unknown as NbdClient;
}

async function all(disk: NbdClient, of?: string): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for await (const piece of piecesOf(disk, of)) pieces.push(piece);
  return pieces;
}

describe('piecesOf', () => {
  it('a disk that goes full is all that is not zeroes, in pieces of 1 MiB', async () => {
    const disk = served({
      kinds: [
        [MiB, 3],
        [2 * MiB + 512, 0],
        [MiB, 2],
        [512, 1],
      ],
    });

    expect(await all(disk)).toEqual([
      { offset: MiB, length: MiB, isZero: false },
      { offset: 2 * MiB, length: MiB, isZero: false },
      { offset: 3 * MiB, length: 512, isZero: false },
      { offset: 4 * MiB + 512, length: 512, isZero: false },
    ]);
  });

  it('another is what the bitmap shows, its zeroes in one', async () => {
    const disk = served({
      kinds: [
        [64 * KiB, 0],
        [8 * MiB, 3],
        [64 * KiB, 0],
      ],
      changed: [
        [32 * KiB, 0],
        [64 * KiB, 1],
        [64 * KiB, 0],
        [8 * MiB - 32 * KiB, 1],
      ],
    });

    expect(await all(disk, bitmap)).toEqual([
      { offset: 32 * KiB, length: 32 * KiB, isZero: false },
      { offset: 64 * KiB, length: 32 * KiB, isZero: true },
      { offset: 160 * KiB, length: 8 * MiB - 96 * KiB, isZero: true },
      { offset: 8 * MiB + 64 * KiB, length: 64 * KiB, isZero: false },
    ]);
  });

  it('goes on from where the shorter of both answers ends', async () => {
    const disk = served(
      { kinds: [[2 * MiB, 0]], changed: [[MiB, 1]] },
      { kinds: [[MiB, 0]], changed: [[MiB, 0]] },
      { kinds: [[MiB, 0]], changed: [[2 * MiB, 1]] },
    );
    Object.assign(disk, { sizeBytes: 3 * MiB });

    expect(await all(disk, bitmap)).toEqual([
      { offset: 0, length: MiB, isZero: false },
      { offset: 2 * MiB, length: MiB, isZero: false },
    ]);
  });

  it('does not turn in place when nothing is told', async () => {
    const disk = served({ kinds: [] });
    Object.assign(disk, { sizeBytes: MiB });

    await expect(all(disk)).rejects.toThrow(/nothing is told of what is at 0/);
  });
});
