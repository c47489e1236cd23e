import type { NbdClient } from '../qemu/nbd/client.ts';

/** A part of a disk that is to be carried: its content, or the fact that it is all zeroes. */
export type Piece = { readonly offset: number; readonly length: number; readonly isZero: boolean };

/** @see nbd/doc/proto.md, "base:allocation": what reads as zeroes has this bit. */
const zero = 2;
const dirty = 1;
/** What is asked for at once. A request names 32 bits of length. */
const windowBytes = 1024 ** 3;
/** As much as a copy job of QEMU takes at once. */
const pieceBytes = 1024 ** 2;

export const allocation = 'base:allocation';

/** How NBD names a bitmap of QEMU's. */
export function dirtyContext(bitmap: string): string {
  return `qemu:dirty-bitmap:${bitmap}`;
}

/**
 * What is to be carried: of a disk that goes full all that is not zeroes, for the target is empty; else all that the bitmap
 * shows, its zeroes too. A window of the disk is asked for when the one before is given out.
 */
export async function* piecesOf(
  source: NbdClient,
  bitmap: string | undefined,
): AsyncGenerator<Piece, void> {
  for (let at = 0; at < source.sizeBytes;) {
    const length = Math.min(windowBytes, source.sizeBytes - at);
    const status = await source.blockStatus({ offset: at, length });
    const kinds = stretches(status.get(allocation) ?? []);
    const changed = bitmap === undefined ? undefined : stretches(status.get(bitmap) ?? []);
    const ends = [kinds, ...(changed ? [changed] : [])].map((of) => of.at(-1)?.end ?? 0);
    const covered = Math.min(length, ...ends);
    if (covered === 0) throw new RangeError(`nothing is told of what is at ${at}`);
    for (const { from, end, flags } of changed ?? [{ from: 0, end: covered, flags: dirty }]) {
      if ((flags & dirty) === 0) continue;
      for (const kind of kinds) {
        const [first, last] = [Math.max(from, kind.from), Math.min(end, kind.end, covered)];
        const isZero = (kind.flags & zero) !== 0;
        if (first < last && !(isZero && changed === undefined))
          yield* cut({ offset: at + first, length: last - first, isZero });
      }
    }
    at += covered;
  }
}

type Stretch = { readonly from: number; readonly end: number; readonly flags: number };

function stretches(extents: readonly { length: number; flags: number }[]): Stretch[] {
  let end = 0;
  return extents.map(({ length, flags }) => ({ from: end, end: (end += length), flags }));
}

/** Zeroes cost the same in any length. */
function* cut({ offset, length, isZero }: Piece): Generator<Piece, void> {
  const step = isZero ? length : pieceBytes;
  for (let done = 0; done < length; done += step)
    yield { offset: offset + done, length: Math.min(step, length - done), isZero };
}
