import type { Socket } from 'node:net';
import { bounded } from '../bounded.ts';
import { NbdError } from '../errors.ts';
import { dial } from './dial.ts';
import { ExactReader } from './exact-reader.ts';
import { negotiate, type Agreement } from './negotiate.ts';
import { command, requestHead, type Command } from './protocol.ts';
import { readReply, type RawExtent, type Reply } from './read-reply.ts';

type Range = { readonly offset: number; readonly length: number };
type Pending = {
  readonly onReply: (reply: Reply) => void;
  readonly settle: (error?: Error) => void;
};

/**
 * One export of an NBD server on a unix socket. Requests may be under way at the same time. What the server refuses is
 * an `NbdError` with its number; when the connection ends, each request under way is one without. A request has no deadline
 * of its own: who waits too long closes the client.
 */
export class NbdClient implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #path: string;
  readonly #agreed: Agreement;
  readonly #pending = new Map<bigint, Pending>();
  #cookie = 0n;

  private constructor(socket: Socket, path: string, reader: ExactReader, agreed: Agreement) {
    this.#socket = socket;
    this.#path = path;
    this.#agreed = agreed;
    void this.#listen(reader).catch(() => undefined);
  }

  /** Connects and opens the export, within `timeoutMs`. `contexts` is the metadata that is to be asked for, as `base:allocation`. */
  static async connect(options: {
    readonly path: string;
    readonly exportName: string;
    readonly contexts?: readonly string[];
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  }): Promise<NbdClient> {
    const { path, exportName, contexts = [], timeoutMs, signal } = options;
    signal.throwIfAborted();
    const failed = new AbortController();
    const open = async () => {
      const socket = await dial(path, failed.signal);
      const reader = new ExactReader(socket);
      const agreed = await negotiate(socket, reader, { exportName, contexts });
      return new NbdClient(socket, path, reader, agreed);
    };
    const late = () => new NbdError(`no answer within ${timeoutMs} ms`);
    try {
      return await bounded(open(), { timeoutMs, signal, late });
    } catch (cause) {
      failed.abort();
      signal.throwIfAborted();
      throw new NbdError(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
  }

  get sizeBytes(): number {
    return this.#agreed.sizeBytes;
  }

  /** Only with metadata: without it a server may answer in a shape that tells no length. */
  async read({ offset, length }: Range): Promise<Buffer> {
    const whole = Buffer.alloc(length);
    let got = 0;
    await this.#request(command.read, { offset, length }, ({ data }) => {
      if (!data) return;
      data.bytes.copy(whole, data.offset - offset);
      got += data.bytes.length;
    });
    if (got !== length) throw new NbdError(`${this.#path}: ${got} bytes of ${length} at ${offset}`);
    return whole;
  }

  async write(offset: number, bytes: Buffer): Promise<void> {
    await this.#request(command.write, { offset, length: bytes.length }, () => undefined, bytes);
  }

  async writeZeroes(range: Range): Promise<void> {
    await this.#request(command.writeZeroes, range, () => undefined);
  }

  /** The extents from `offset` on, of each context that was asked for. They may cover less than was asked, never nothing. */
  async blockStatus(range: Range): Promise<Map<string, readonly RawExtent[]>> {
    const found = new Map<string, readonly RawExtent[]>();
    await this.#request(command.blockStatus, range, ({ status }) => {
      const name = status && this.#agreed.contexts.get(status.context);
      if (name !== undefined) found.set(name, status?.extents ?? []);
    });
    return found;
  }

  /** Hangs up at once. What is under way fails. */
  close(): void {
    this.#socket.destroy();
  }

  /** Says good-bye, so that a server which serves one client ends in order. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.writable)
      this.#socket.end(requestHead(command.disconnect, 0n, { offset: 0, length: 0 }));
    this.#socket.destroySoon();
  }

  async #request(
    type: Command,
    range: Range,
    onReply: Pending['onReply'],
    data?: Buffer,
  ): Promise<void> {
    const cookie = ++this.#cookie;
    await new Promise<void>((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new NbdError(`${this.#path}: hung up`));
      const settle = (error?: Error) => (error ? reject(error) : resolve());
      this.#pending.set(cookie, { onReply, settle });
      this.#socket.cork();
      this.#socket.write(requestHead(type, cookie, range));
      if (data) this.#socket.write(data);
      this.#socket.uncork();
      return undefined;
    });
  }

  /** Hands every reply to its request, until the connection ends. */
  async #listen(reader: ExactReader): Promise<void> {
    let why = 'hung up';
    const errors = new Map<bigint, number>();
    try {
      for (;;) {
        const reply = await readReply(reader);
        if (!reply) return;
        const { cookie, isLast, error } = reply;
        const pending = this.#pending.get(cookie);
        if (error !== undefined) errors.set(cookie, error);
        else pending?.onReply(reply);
        if (!isLast) continue;
        this.#pending.delete(cookie);
        const code = errors.get(cookie);
        errors.delete(cookie);
        pending?.settle(code === undefined ? undefined : refused(this.#path, code));
      }
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    } finally {
      this.#socket.destroy();
      for (const { settle } of this.#pending.values())
        settle(new NbdError(`${this.#path}: ${why}`));
      this.#pending.clear();
    }
  }
}

function refused(path: string, code: number): NbdError {
  return new NbdError(`${path}: the server answers with error ${code}`, { code });
}
