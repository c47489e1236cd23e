import { bounded } from '../bounded.ts';
import {
  AgentCommandError,
  AgentConnectError,
  AgentDisconnectedError,
  AgentTimeoutError,
  QmpConnectError,
} from '../errors.ts';
import { connectUnix, type Transport } from '../qmp/transport.ts';
import {
  agentCommands,
  type AgentCommand,
  type AgentReturns,
  type GuestFileSystem,
} from './commands.ts';
import { Exchange, type Said } from './exchange.ts';
import { parseAgentLine } from './messages.ts';

const CONNECT_MS = 5_000;

/** A guest that sends a line without end must not fill our memory. */
const MAX_LINE_LENGTH = 1024 ** 2;

/**
 * A connection to one guest agent. Its socket serves one client. One command runs at a time: a newer one takes the
 * place of one that still waits, so that a thaw never stands behind a freeze that hangs.
 */
export class AgentClient implements AsyncDisposable {
  readonly #transport: Transport;
  readonly #what: string;
  #current: Exchange | undefined;
  #end: { reason: string; cause?: unknown } | undefined;

  private constructor(transport: Transport, what: string) {
    this.#transport = transport;
    this.#what = what;
    void this.#read();
  }

  /** Connects and waits until the agent has answered (5 s, else `AgentTimeoutError`). `signal` bounds the connecting only. */
  static async connect(socketPath: string, signal: AbortSignal): Promise<AgentClient> {
    const options = { encoding: 'latin1', maxLineLength: MAX_LINE_LENGTH } as const;
    const transport = await connectUnix(socketPath, signal, options).catch((cause: unknown) => {
      if (!(cause instanceof QmpConnectError)) throw cause;
      throw new AgentConnectError(`guest agent: ${cause.message}`, { cause });
    });
    return AgentClient.open(transport, { signal, what: socketPath });
  }

  /** The same over a transport that keeps bytes apart as latin1 does. When this fails, the transport is closed. */
  static async open(
    transport: Transport,
    { signal, what }: { signal: AbortSignal; what: string },
  ): Promise<AgentClient> {
    const client = new AgentClient(transport, what);
    try {
      await client.#exchange(undefined, CONNECT_MS, signal);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** Freezes all file systems; how many. After an `AgentTimeoutError` the guest may be frozen, or still become so: thaw it. */
  async freeze(timeoutMs: number, signal?: AbortSignal): Promise<number> {
    return this.#run('guest-fsfreeze-freeze', timeoutMs, signal);
  }

  /** The same for those that are mounted there; what is not there, or cannot be frozen, is passed over and not counted. */
  async freezeList(mountpoints: readonly string[], timeoutMs: number): Promise<number> {
    return this.#run('guest-fsfreeze-freeze-list', timeoutMs, undefined, { mountpoints });
  }

  /** The guest's file systems, one entry for each mount point. Refused while the guest is frozen. */
  async fileSystems(timeoutMs: number, signal?: AbortSignal): Promise<GuestFileSystem[]> {
    return this.#run('guest-get-fsinfo', timeoutMs, signal);
  }

  /**
   * Thaws all file systems; how many, 0 when none was frozen. May run again. Also after an `AgentTimeoutError` the
   * agent thaws once it comes to it, as long as this connection stands.
   */
  async thaw(timeoutMs: number, signal?: AbortSignal): Promise<number> {
    return this.#run('guest-fsfreeze-thaw', timeoutMs, signal);
  }

  async freezeStatus(timeoutMs: number, signal?: AbortSignal): Promise<'frozen' | 'thawed'> {
    return this.#run('guest-fsfreeze-status', timeoutMs, signal);
  }

  async ping(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    await this.#run('guest-ping', timeoutMs, signal);
  }

  /** The agent's version and its commands. While frozen it lists `guest-fsfreeze-freeze` as disabled. */
  async info(timeoutMs: number, signal?: AbortSignal): Promise<AgentReturns<'guest-info'>> {
    return this.#run('guest-info', timeoutMs, signal);
  }

  /** Ends the connection; what waits rejects with `AgentDisconnectedError`. May be called again. Thaws nothing. */
  close(): void {
    this.#finish({ reason: 'the connection was closed' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async #run<C extends AgentCommand>(
    command: C,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    args?: object,
  ): Promise<AgentReturns<C>> {
    const said = { execute: command, ...(args && { arguments: args }) };
    const answer = await this.#exchange(said, timeoutMs, signal);
    if (answer.error) throw new AgentCommandError(command, answer.error);
    const returned = agentCommands[command].safeParse(answer.return);
    if (returned.success) return returned.data as AgentReturns<C>;
    const desc = `unexpected answer ${JSON.stringify(answer.return)?.slice(0, 200)}`;
    throw new AgentCommandError(command, { class: 'UnexpectedAnswer', desc });
  }

  async #exchange(command: Said | undefined, timeoutMs: number, signal: AbortSignal | undefined) {
    const subject = `${this.#what}: ${command?.execute ?? 'guest-sync-delimited'}`;
    if (this.#end) throw this.#disconnected(subject);
    signal?.throwIfAborted();
    this.#current?.reject(new AgentTimeoutError(`${subject} took the place of what still waited`));
    const send = (line: string) => this.#transport.send(line);
    // A thaw does no harm whenever it runs. A freeze that nobody waits for any more would.
    const exchange = new Exchange(send, command, command?.execute === 'guest-fsfreeze-thaw');
    this.#current = exchange;
    const late = () =>
      new AgentTimeoutError(
        `${subject}: no answer within ${timeoutMs} ms; no agent runs in the guest, it hangs, or another client holds the socket`,
      );
    return bounded(exchange.answer, { timeoutMs, signal, late }).finally(() => {
      if (this.#current === exchange) this.#current = undefined;
    });
  }

  async #read(): Promise<void> {
    try {
      for await (const line of this.#transport.lines) {
        const message = parseAgentLine(line);
        if (message) this.#current?.receive(message);
        if (this.#end) return;
      }
      this.#finish({ reason: 'the connection ended' });
    } catch (cause) {
      this.#finish({ reason: 'the connection broke', cause });
    }
  }

  #finish(end: { reason: string; cause?: unknown }): void {
    if (this.#end) return;
    this.#end = end;
    this.#transport.close();
    this.#current?.reject(this.#disconnected(this.#what));
  }

  #disconnected(subject: string): AgentDisconnectedError {
    const { reason = '', cause } = this.#end ?? {};
    return new AgentDisconnectedError(`${subject}: ${reason}`, { cause });
  }
}
