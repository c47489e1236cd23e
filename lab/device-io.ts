import { DiskAccessError } from './errors.ts';
import type { QemuIo } from './qemu-io.ts';

/** A piece of a disk. QEMU wants both in multiples of 512. */
export type Piece = { readonly offset: number; readonly bytes: number };

/**
 * Reads and writes a disk as its guest device would: through the device's own backend, so that bitmaps and filters see
 * it. Works without a guest, also on a machine that never ran. What fails is a `DiskAccessError` with QEMU's words.
 */
export class DeviceIo {
  readonly #io: QemuIo;
  readonly #qdev: string;

  /** @param qdev as `query-block` names the device */
  constructor(io: QemuIo, qdev: string) {
    this.#io = io;
    this.#qdev = qdev;
  }

  /** Fills a piece with a byte. */
  async write(pattern: number, { offset, bytes }: Piece): Promise<void> {
    await this.#expect(`wrote ${bytes}/${bytes} bytes`, `write -P ${pattern} ${offset} ${bytes}`);
  }

  /** The same beside the monitor, where QEMU can: it then goes on also while the write has to wait. */
  async writeAside(pattern: number, { offset, bytes }: Piece): Promise<void> {
    const write = this.#io.goesOnAside ? 'aio_write' : 'write';
    await this.#expect(
      `wrote ${bytes}/${bytes} bytes`,
      `${write} -P ${pattern} ${offset} ${bytes}`,
    );
  }

  /** Writes zeroes as a guest does that knows how to say so: the image may free the clusters. */
  async zero({ offset, bytes }: Piece): Promise<void> {
    // On a device with an iothread `write -z` kills QEMU 7.2 (SIGABRT), and `aio_flush` hangs it: this one tells later.
    const write = this.#io.goesOnAside ? 'aio_write' : 'write';
    await this.#expect(`wrote ${bytes}/${bytes} bytes`, `${write} -z -u ${offset} ${bytes}`);
  }

  async discard({ offset, bytes }: Piece): Promise<void> {
    await this.#expect(`discard ${bytes}/${bytes} bytes`, `discard ${offset} ${bytes}`);
  }

  /** Whether a piece holds that byte everywhere. */
  async holds(pattern: number, { offset, bytes }: Piece): Promise<boolean> {
    const said = await this.#io.run(this.#qdev, `read -P ${pattern} ${offset} ${bytes}`);
    if (said.includes('Pattern verification failed')) return false;
    if (!said.includes(`read ${bytes}/${bytes} bytes`)) throw this.#failed('read', said);
    return true;
  }

  /** Brings what QEMU holds back, metadata included, to the image. */
  async flush(): Promise<void> {
    const said = await this.#io.run(this.#qdev, 'flush');
    if (said.includes('failed')) throw this.#failed('flush', said);
  }

  // There is nothing but words that says how it went.
  async #expect(success: string, command: string): Promise<void> {
    // QEMU's own warnings come between.
    const said = await this.#io.run(this.#qdev, command, (words) => /\bops;|failed/.test(words));
    if (!said.includes(success)) throw this.#failed(command, said);
  }

  #failed(command: string, said: string): DiskAccessError {
    return new DiskAccessError(`${this.#qdev}: ${command}: ${said || 'QEMU said nothing'}`);
  }
}
