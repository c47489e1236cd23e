import { randomUUID } from 'node:crypto';
import { bounded } from '../bounded.ts';
import { QmpDisconnectedError, QmpTimeoutError } from '../errors.ts';
import type { QmpEvent } from './events.ts';
import { parseMessage, type Answer, type Greeting, type Message } from './messages.ts';
import { SendWindow } from './send-window.ts';
import type { Transport } from './transport.ts';

type Request = { verb: 'execute' | 'exec-oob'; command: string; arguments: unknown };
type Limits = { timeoutMs: number; signal?: AbortSignal | undefined };
type Waiting = { resolve: (answer: Answer) => void; lose: () => void };

/** Routes what QEMU sends to whoever waits for it. Knows messages, but no command. */
export class QmpConnection {
  readonly #transport: Transport;
  readonly #what: string;
  /** QEMU hands the late answer of a dead connection to the next one, so no two connections share an id. */
  readonly #idPrefix = randomUUID();
  #nextId = 0;
  readonly #window: SendWindow;
  readonly #waiting = new Map<string, Waiting>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  readonly #greeting: Promise<Greeting>;
  #greet: ((greeting: Greeting) => void) | undefined;
  #refuseGreeting: (error: Error) => void = () => {};
  #end: { reason: string; cause?: unknown } | undefined;

  /** Reads from now on. `what` names the peer in errors. */
  constructor(transport: Transport, what: string) {
    this.#transport = transport;
    this.#what = what;
    this.#window = new SendWindow((line) => transport.send(line));
    this.#greeting = new Promise((resolve, reject) => {
      this.#greet = resolve;
      this.#refuseGreeting = reject;
    });
    // Whoever asks for the greeting sees the failure; it must not end the process when nobody does.
    this.#greeting.catch(() => {});
    void this.#read();
  }

  get closed(): boolean {
    return this.#end !== undefined;
  }

  /** Resolves with QEMU's first message, or rejects with what `late` makes after `timeoutMs`. */
  greeting(limits: Limits & { late: () => Error }): Promise<Greeting> {
    return bounded(this.#greeting, limits);
  }

  /** Sends a request and waits for its answer. After a time-out the answer is dropped when it comes. */
  async call(request: Request, limits: Limits): Promise<Answer> {
    const subject = `${this.#what}: ${request.command}`;
    if (this.#end) throw this.#disconnected(request.command);
    limits.signal?.throwIfAborted();
    const id = `${this.#idPrefix}-${this.#nextId++}`;
    const answered = new Promise<Answer>((resolve, reject) => {
      const lose = () => reject(this.#disconnected(request.command));
      this.#waiting.set(id, { resolve, lose });
    });
    const { verb, command } = request;
    const line = JSON.stringify({ [verb]: command, arguments: request.arguments, id });
    // Out of band a command overtakes all others, also those that are held back here.
    if (verb === 'exec-oob') this.#transport.send(line);
    else this.#window.send(id, line);
    const late = () =>
      new QmpTimeoutError(
        this.#window.takeBack(id)
          ? `${subject}: not sent within ${limits.timeoutMs} ms: QEMU owes too many answers`
          : `${subject}: no answer within ${limits.timeoutMs} ms; QEMU may still run it`,
      );
    return bounded(answered, { ...limits, late }).finally(() => {
      this.#waiting.delete(id);
      this.#window.takeBack(id);
    });
  }

  listen(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#finish({ reason: 'the connection was closed' });
  }

  async #read(): Promise<void> {
    try {
      for await (const line of this.#transport.lines) {
        this.#route(line);
        if (this.#end) return;
      }
      this.#finish({ reason: 'QEMU ended the connection' });
    } catch (cause) {
      this.#finish({ reason: 'the connection broke', cause });
    }
  }

  #route(line: string): void {
    const message = this.#parse(line);
    if (!message) return;
    if (message.kind === 'greeting') {
      this.#greet?.(message.greeting);
      this.#greet = undefined;
    } else if (message.kind === 'event') {
      for (const listener of this.#listeners) listener(message.event);
    } else if (typeof message.id === 'string') {
      this.#window.answered(message.id);
      this.#waiting.get(message.id)?.resolve(message.answer);
    }
  }

  #parse(line: string): Message | undefined {
    try {
      return parseMessage(line);
    } catch (error) {
      // Before the greeting it may be the rest of what QEMU meant for the client before us.
      if (this.#greet) return undefined;
      throw error;
    }
  }

  #finish(end: { reason: string; cause?: unknown }): void {
    if (this.#end) return;
    this.#end = end;
    this.#transport.close();
    this.#refuseGreeting(this.#disconnected('greeting'));
    for (const { lose } of this.#waiting.values()) lose();
  }

  #disconnected(command: string): QmpDisconnectedError {
    const { reason = '', cause } = this.#end ?? {};
    return new QmpDisconnectedError(`${this.#what}: ${command}: ${reason}`, { cause });
  }
}
