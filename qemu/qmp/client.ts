import { QmpBusyError, QmpCommandError, QmpConnectError, QmpProtocolError } from '../errors.ts';
import { commands, type Args, type Command, type Returns } from './commands.ts';
import { QmpConnection } from './connection.ts';
import { dialectOf, today, type Dialect, type Send } from './dialect.ts';
import type { QmpEvent } from './events.ts';
import type { Greeting } from './messages.ts';
import { connectUnix, type Transport } from './transport.ts';

const GREETING_MS = 3_000;
const COMMAND_MS = 10_000;

/** When to stop waiting for an answer. The default deadline is 10 s. */
export type CallOptions = {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
};

/** A connection to one QEMU. It serves one client on each `-qmp` socket, so close it when done. */
export class QmpClient implements AsyncDisposable {
  readonly #connection: QmpConnection;
  readonly #greeting: Greeting;
  #dialect: Dialect = today;

  private constructor(connection: QmpConnection, greeting: Greeting) {
    this.#connection = connection;
    this.#greeting = greeting;
  }

  /** Connects to QEMU's socket and opens it. `signal` bounds the opening, not the connection's life. */
  static async connect(socketPath: string, signal: AbortSignal): Promise<QmpClient> {
    const transport = await connectUnix(socketPath, signal).catch((error: unknown) => {
      throw isBacklogFull(error) ? busy(socketPath, 'its queue is full', error) : error;
    });
    return QmpClient.open(transport, { signal, what: socketPath });
  }

  /**
   * Waits for the greeting (3 s, else `QmpBusyError`) and negotiates capabilities: out-of-band commands where QEMU
   * offers them. An old QEMU is spoken to in its dialect. `what` names the peer in errors. When this fails, the transport is closed.
   */
  static async open(
    transport: Transport,
    { signal, what }: { signal: AbortSignal; what: string },
  ): Promise<QmpClient> {
    const connection = new QmpConnection(transport, what);
    try {
      const late = () => busy(what, `no greeting within ${GREETING_MS} ms`);
      const greeting = await connection.greeting({ signal, timeoutMs: GREETING_MS, late });
      const client = new QmpClient(connection, greeting);
      const enable = client.#hasOutOfBand ? { enable: ['oob' as const] } : {};
      await client.execute('qmp_capabilities', enable, { signal, timeoutMs: GREETING_MS });
      const send = client.#sendBefore({ signal, timeoutMs: GREETING_MS });
      client.#dialect = await dialectOf(client.version, send);
      return client;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** QEMU's version, from its greeting. */
  get version(): { readonly major: number; readonly minor: number; readonly micro: number } {
    return this.#greeting.version.qemu;
  }

  get closed(): boolean {
    return this.#connection.closed;
  }

  /** Whether it is known that this QEMU has no such command, in any spelling. Asked of a QEMU below 5.0 alone. */
  lacks(command: Command): boolean {
    return this.#dialect.lacks.has(command);
  }

  /**
   * Runs one command. Its events may arrive before its answer: call `listen` first. When its deadline passes
   * (`QmpTimeoutError`) or `signal` aborts, QEMU may still run it; the connection stays usable.
   */
  async execute<C extends Command>(
    command: C,
    args: Args<C>,
    options: CallOptions = {},
  ): Promise<Returns<C>> {
    return this.#call('execute', command, args, options);
  }

  /**
   * Runs one command ahead of all others, also while one of them hangs. Only for those that QEMU allows: `yank` and
   * `query-yank`. Where QEMU offers no out-of-band commands it is sent like any other.
   */
  async executeOutOfBand<C extends Command>(
    command: C,
    args: Args<C>,
    options: CallOptions = {},
  ): Promise<Returns<C>> {
    return this.#call(this.#hasOutOfBand ? 'exec-oob' : 'execute', command, args, options);
  }

  /** Hands every event to `listener`, which must not throw, until the returned function is called. */
  listen(listener: (event: QmpEvent) => void): () => void {
    return this.#connection.listen(listener);
  }

  /** Ends the connection: what waits and every later call rejects with `QmpDisconnectedError`. May be called again. */
  close(): void {
    this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  get #hasOutOfBand(): boolean {
    return this.#greeting.capabilities.includes('oob');
  }

  async #call<C extends Command>(
    verb: 'execute' | 'exec-oob',
    command: C,
    args: Args<C>,
    { signal, timeoutMs = COMMAND_MS }: CallOptions,
  ): Promise<Returns<C>> {
    const checked = commands[command].args.safeParse(args);
    if (!checked.success)
      throw new QmpProtocolError(`${command}: wrong arguments`, { cause: checked.error });
    const translate = verb === 'execute' ? this.#dialect.translations[command] : undefined;
    const answer = translate
      ? await translate(checked.data as Args<C>, this.#sendBefore({ signal, timeoutMs }))
      : await this.#send(verb, command, checked.data, { signal, timeoutMs });
    const returned = commands[command].returns.safeParse(answer);
    if (returned.success) return returned.data as Returns<C>;
    throw new QmpProtocolError(`${command}: unexpected answer`, { cause: returned.error });
  }

  /** What sends the parts of a translated command, all of them within its time. */
  #sendBefore({ signal, timeoutMs }: { signal: AbortSignal | undefined; timeoutMs: number }): Send {
    const until = performance.now() + timeoutMs;
    return (command, args) => {
      const leftMs = Math.max(1, Math.ceil(until - performance.now()));
      return this.#send('execute', command, args, { signal, timeoutMs: leftMs });
    };
  }

  async #send(
    verb: 'execute' | 'exec-oob',
    command: string,
    args: unknown,
    limits: { signal: AbortSignal | undefined; timeoutMs: number },
  ): Promise<unknown> {
    const answer = await this.#connection.call({ verb, command, arguments: args }, limits);
    if (answer.error) throw new QmpCommandError(command, answer.error);
    return answer.return;
  }
}

function busy(what: string, sign: string, cause?: unknown): QmpBusyError {
  const advice =
    'another client holds the socket (QEMU serves one client on each -qmp), or QEMU itself hangs; give this VM a QMP socket of its own';
  return new QmpBusyError(`${what}: ${sign}: ${advice}`, { cause });
}

/** QEMU lets one client wait behind the one it serves; the system turns away the next. */
function isBacklogFull(error: unknown): boolean {
  if (!(error instanceof QmpConnectError) || !(error.cause instanceof Error)) return false;
  return 'code' in error.cause && error.cause.code === 'EAGAIN';
}
