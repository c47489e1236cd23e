import { open } from 'node:fs/promises';

export const sectorBytes = 512;
export const MiB = 1024 ** 2;

/** What every sector of a disk held at one moment: each is filled with one byte. */
export type Content = Uint8Array;

/**
 * What a disk must hold, by what was written to it: the oracle knows nothing of QEMU's image. Every write fills whole
 * sectors with one byte, so a byte for each sector is all there is to know.
 */
export class DiskModel {
  #sectors: Uint8Array;

  constructor(bytes: number) {
    this.#sectors = new Uint8Array(bytes / sectorBytes);
  }

  get bytes(): number {
    return this.#sectors.length * sectorBytes;
  }

  fill(byte: number, piece: { offset: number; bytes: number }): void {
    const start = piece.offset / sectorBytes;
    this.#sectors.fill(byte, start, start + piece.bytes / sectorBytes);
  }

  /** What is new reads as zeroes. */
  grow(toBytes: number): void {
    const grown = new Uint8Array(toBytes / sectorBytes);
    grown.set(this.#sectors);
    this.#sectors = grown;
  }

  /** A copy, which later writes do not change. */
  content(): Content {
    return this.#sectors.slice();
  }

  /** Takes over what an image holds: after a power cut that is what counts. */
  assume(content: Content): void {
    this.#sectors = content.slice();
  }
}

/** Stretches of sectors that hold the same byte, less those of zeroes. */
export function* runsOf(content: Content): Generator<{ byte: number; start: number; end: number }> {
  let start = 0;
  while (start < content.length) {
    const byte = content[start] ?? 0;
    let end = start + 1;
    while (end < content.length && content[end] === byte) end++;
    if (byte !== 0) yield { byte, start, end };
    start = end;
  }
}

/** Writes it as a raw image, with holes for zeroes. */
export async function writeRaw(content: Content, path: string): Promise<void> {
  await using file = await open(path, 'w');
  await file.truncate(content.length * sectorBytes);
  for (const { byte, start, end } of runsOf(content))
    await file.write(
      Buffer.alloc((end - start) * sectorBytes, byte),
      0,
      (end - start) * sectorBytes,
      start * sectorBytes,
    );
}

/** Reads a raw image. A sector that is not filled with one byte was never written by us: it throws. */
export function contentOf(raw: Buffer): Content {
  const content = new Uint8Array(raw.length / sectorBytes);
  for (const sector of content.keys()) {
    const [start, end] = [sector * sectorBytes, (sector + 1) * sectorBytes];
    const byte = raw[start] ?? 0;
    // Filled with one byte: each is as the one before it.
    if (raw.compare(raw, start, end - 1, start + 1, end) !== 0)
      throw new Error(`sector ${sector} is torn`);
    content[sector] = byte;
  }
  return content;
}
