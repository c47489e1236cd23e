import { once } from 'node:events';
import { connect } from 'node:net';
import { QmpConnectError } from '../errors.ts';

/** A two-way pipe of text lines. Knows nothing of JSON or QMP. */
export interface Transport {
  /** What the peer sends, without line ends. Ends, or throws, with the connection. Can be read once. */
  readonly lines: AsyncIterable<string>;
  /** Sends one line. Does nothing when the connection has ended: whoever reads `lines` sees that. */
  send(line: string): void;
  /** Ends the connection. May be called again. */
  close(): void;
}

/**
 * Connects to a unix socket. A socket that is missing or refuses is a `QmpConnectError`, whose `cause` is the
 * system's error; when `signal` aborts first, its reason is thrown. `latin1` keeps bytes apart that are no UTF-8.
 */
export async function connectUnix(
  path: string,
  signal: AbortSignal,
  options: { encoding?: 'utf8' | 'latin1'; maxLineLength?: number } = {},
): Promise<Transport> {
  const { encoding = 'utf8', maxLineLength } = options;
  signal.throwIfAborted();
  const socket = connect({ path }).setEncoding(encoding);
  await once(socket, 'connect', { signal }).catch((cause: unknown) => {
    socket.destroy();
    signal.throwIfAborted();
    throw new QmpConnectError(`${path}: no connection (${reasonOf(cause)})`, { cause });
  });
  // The reader sees the end of the stream; without a listener an EPIPE would end the process.
  socket.on('error', () => socket.destroy());
  return {
    lines: splitLines(socket, maxLineLength),
    send: (line) => void socket.write(`${line}\n`, encoding),
    close: () => void socket.destroy(),
  };
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause ? String(cause.code) : cause.message;
}

/**
 * Cuts a stream of text into lines; what follows the last line end is dropped. A longer line than `maxLength`
 * throws, so that no peer can fill our memory. `node:readline` would drop lines that arrive before iteration
 * starts, such as the greeting.
 */
export async function* splitLines(
  chunks: AsyncIterable<string>,
  maxLength = 64 * 1024 ** 2,
): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    const [first = '', ...others] = chunk.split('\n');
    rest += first;
    if (rest.length > maxLength) throw new RangeError(`a line exceeds ${maxLength} characters`);
    const next = others.pop();
    if (next === undefined) continue;
    yield rest;
    yield* others;
    rest = next;
  }
}
