import type { Socket } from 'node:net';

/** Reads a stream in pieces of a known length. One reader at a time. */
export class ExactReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(socket: Socket) {
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** The next `length` bytes, or undefined when the stream has ended before them. */
  async take(length: number): Promise<Buffer | undefined> {
    while (this.#restBytes < length) {
      // A stream that breaks off has ended too.
      const next = await this.#chunks.next().catch(() => undefined);
      if (next === undefined || next.done === true) return undefined;
      this.#rest.push(next.value);
      this.#restBytes += next.value.length;
    }
    const all = this.#rest.length === 1 ? this.#rest[0] : Buffer.concat(this.#rest);
    const rest = all?.subarray(length) ?? Buffer.alloc(0);
    this.#rest = [rest];
    this.#restBytes = rest.length;
    return all?.subarray(0, length);
  }
}
