import { join } from 'node:path';
import { readFile, rm } from 'node:fs/promises';
import { execa } from 'execa';
import type { DeviceIo, Piece } from '../lab/device-io.ts';
import { contentOf, DiskModel, MiB, sectorBytes } from './disk-model.ts';
import type { Write } from './story.ts';

const cluster = 65_536;

/** What the foreign bitmap of a disk must count: what was surely written since it was made, and what may have been. */
export class ForeignBitmap {
  readonly sure = new Set<number>();
  readonly maybe = new Set<number>();
  readonly persistent: boolean;

  constructor(persistent: boolean) {
    this.persistent = persistent;
  }

  mark({ offset, bytes }: Piece, sure: boolean): void {
    for (let at = Math.floor(offset / cluster); at * cluster < offset + bytes; at++)
      (sure ? this.sure : this.maybe).add(at);
  }

  /** What is wrong with a count, in bytes. */
  wrong(count: number): boolean {
    const most = new Set([...this.sure, ...this.maybe]).size;
    return count < this.sure.size * cluster || count > most * cluster;
  }
}

/** One disk of a VM: what QEMU has, and what it must hold. */
export class Disk {
  /** Its place in the VM: its size in MiB, modulo four, so that a manifest tells which disk it is. */
  readonly index: number;
  readonly path: string;
  readonly format: 'qcow2' | 'raw';
  readonly model: DiskModel;
  /** As `query-block` names its device; undefined while it is not plugged in. */
  qdev: string | undefined;
  /** Whether the next backup must find its changes tracked. */
  tracked = false;
  foreign: ForeignBitmap | undefined;

  constructor(options: { index: number; path: string; format: 'qcow2' | 'raw'; bytes: number }) {
    this.index = options.index;
    this.path = options.path;
    this.format = options.format;
    this.model = new DiskModel(options.bytes);
  }

  /** Where a write of a story goes. QEMU wants sectors, and discards whole clusters alone. */
  pieceOf({ op, at, sectors }: Write): Piece {
    const unit = op === 'discard' ? cluster : sectorBytes;
    const units = this.model.bytes / unit;
    const offset = Math.floor((at / 65_536) * units);
    const count = Math.ceil((sectors * sectorBytes) / unit);
    return { offset: offset * unit, bytes: Math.min(count, units - offset) * unit };
  }

  /**
   * Performs it; when this resolves, model and disk agree again. Throws when QEMU failed it. One that may have to wait
   * goes beside the monitor, for the product needs that.
   */
  async perform(io: DeviceIo, write: Write, byte: number, mayWait: boolean): Promise<void> {
    const piece = this.pieceOf(write);
    if (write.op === 'discard') return this.#discard(io, piece);
    this.foreign?.mark(piece, false);
    if (write.op === 'zero') await io.zero(piece);
    else await (mayWait ? io.writeAside(byte, piece) : io.write(byte, piece));
    this.foreign?.mark(piece, true);
    this.model.fill(write.op === 'write' ? byte : 0, piece);
  }

  /** A discard is an offer, which filters do not pass on: what became of each cluster is read back. */
  async #discard(io: DeviceIo, piece: Piece): Promise<void> {
    this.foreign?.mark(piece, false);
    await io.discard(piece);
    for (let offset = piece.offset; offset < piece.offset + piece.bytes; offset += cluster)
      if (await io.holds(0, { offset, bytes: cluster }))
        this.model.fill(0, { offset, bytes: cluster });
  }

  /** What the image holds, with QEMU gone or paused and flushed. */
  async imageContent(folder: string): Promise<Uint8Array> {
    const raw = join(folder, `disk-${this.index}.raw`);
    await execa('qemu-img', ['convert', '-U', '-f', this.format, '-O', 'raw', this.path, raw]);
    try {
      return contentOf(await readFile(raw));
    } finally {
      await rm(raw);
    }
  }
}

/** The size of a disk that tells its place. */
export function sizeOf(index: number, size: number): number {
  return (4 * size + index) * MiB;
}

/** The place of the disk that has this size. */
export function indexOf(bytes: number): number {
  return (bytes / MiB) % 4;
}
