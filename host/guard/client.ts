import type { Freeze, Thaw } from '../../model/instant.ts';
import { bounded } from '../../qemu/bounded.ts';
import { connectUnix, type Transport } from '../../qemu/qmp/transport.ts';
import { GuardError } from '../errors.ts';
import type { StatePaths } from '../state-paths.ts';
import { AnswerMessage, questions, type Answer, type Question } from './protocol.ts';

const briefMs = 5_000;
/** Nobody waits for that answer: the guard has a deadline of its own. */
const freezeMs = 60_000;

type Waiting = { resolve: (message: AnswerMessage) => void; reject: (error: Error) => void };

/** A connection to the guard of one VM. Every question that is not answered in time, or at all, is a `GuardError`. */
export class GuardClient implements AsyncDisposable {
  readonly #transport: Transport;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #closed = false;

  private constructor(transport: Transport) {
    this.#transport = transport;
    void this.#read();
  }

  /** Connects to the VM's guard. When none lives it is a `GuardError`. */
  static async connect(paths: StatePaths, vm: string, signal: AbortSignal): Promise<GuardClient> {
    const path = paths.vm(vm).guardSocket;
    const transport = await connectUnix(path, signal).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new GuardError(`${vm}: no guard lives`, { cause });
    });
    return new GuardClient(transport);
  }

  /** Freezes the guest. May be asked again: a guest that is frozen stays so. */
  async freeze(timeoutMs: number): Promise<Freeze> {
    return this.#ask('freeze', timeoutMs);
  }

  /** Has the guest frozen, and resolves when the guard has the order. `frozen` tells what came of it. */
  async beginFreeze(): Promise<void> {
    this.freeze(freezeMs).catch(() => undefined);
    // Questions are taken in their order.
    await this.status();
  }

  /** Tells what came of the freeze that was begun last, on whatever connection, when it is known. */
  async frozen(timeoutMs: number): Promise<Freeze> {
    return this.#ask('frozen', timeoutMs);
  }

  /** Makes this connection the taker's: when it ends before `taken`, freeze and pause are given up at once. */
  async arm(): Promise<Answer<'arm'>> {
    return this.#ask('arm', briefMs);
  }

  /** The instant is taken: says whether freeze and pause had held until now. The guest is being thawed. */
  async taken(): Promise<Answer<'taken'>> {
    return this.#ask('taken', briefMs);
  }

  /** Thaws; answered when the guest is thawed. May be asked again. */
  async thaw(timeoutMs: number): Promise<Thaw> {
    return this.#ask('thaw', timeoutMs);
  }

  async status(timeoutMs = briefMs): Promise<Answer<'status'>> {
    return this.#ask('status', timeoutMs);
  }

  /** Lets the guard go; answered after 5 s at most. What it could not do by then it goes on trying. */
  async end(timeoutMs: number): Promise<Answer<'end'>> {
    return this.#ask('end', timeoutMs);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Ends the connection. May be called again. */
  close(): void {
    this.#closed = true;
    this.#transport.close();
    for (const { reject } of this.#waiting.values())
      reject(new GuardError('the guard ended the connection'));
    this.#waiting.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async #ask<Q extends Question>(ask: Q, timeoutMs: number): Promise<Answer<Q>> {
    if (this.#closed) throw new GuardError(`${ask}: the connection to the guard is closed`);
    const id = this.#nextId++;
    const answered = new Promise<AnswerMessage>((resolve, reject) =>
      this.#waiting.set(id, { resolve, reject }),
    );
    this.#transport.send(JSON.stringify({ id, ask }));
    const late = () => new GuardError(`${ask}: the guard did not answer within ${timeoutMs} ms`);
    const { answer, error } = await bounded(answered, { timeoutMs, late }).finally(() =>
      this.#waiting.delete(id),
    );
    if (error !== undefined) throw new GuardError(`${ask}: ${error}`);
    const parsed = questions[ask].safeParse(answer);
    if (parsed.success) return parsed.data as Answer<Q>;
    throw new GuardError(`${ask}: the guard's answer has not the agreed shape`, {
      cause: parsed.error,
    });
  }

  async #read(): Promise<void> {
    try {
      for await (const line of this.#transport.lines) {
        const message = AnswerMessage.parse(JSON.parse(line));
        this.#waiting.get(message.id)?.resolve(message);
      }
    } catch {
      // It broke, or spoke another protocol: nothing more comes.
    }
    this.close();
  }
}
