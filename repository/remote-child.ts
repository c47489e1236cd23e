import { type ChildProcess, fork } from 'node:child_process';
import { Socket } from 'node:net';
import { finished } from 'node:stream';
import type { Call } from './calls.ts';
import { RepositoryUnreachableError } from './errors.ts';
import type { ReadingOptions } from './repository.ts';
import { type Reply, type Request, unpackError } from './wire.ts';

type Waiting = {
  readonly answered: (result: unknown) => void;
  readonly failed: (error: unknown) => void;
  readonly progressed: (doneBytes: number) => void;
};

/** One child process and the calls that it has not answered. It keeps nobody alive. */
export class RemoteChild {
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #lastWords = '';
  #abandoned = false;
  /** Resolves when the process is gone: for one that hangs in the kernel, when that lets go. */
  readonly ended: Promise<void>;

  constructor(folder: string, entry: string) {
    this.#folder = folder;
    this.#process = fork(entry, [], { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#process.on('message', (reply: Reply) => this.#receive(reply));
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-1000);
    });
    this.ended = new Promise((resolve) => {
      const end = (how: string) => {
        this.abandon(`the process that asks it ended (${how}) ${this.#lastWords}`.trimEnd());
        resolve();
      };
      this.#process.on('error', (error) => end(error.message));
      this.#process.on('exit', (code, signal) => {
        const how = signal ?? `exit code ${code}`;
        // Its last words may still be on their way; of one that was abandoned nobody hears them.
        if (this.#abandoned || !this.#process.stderr) end(how);
        else finished(this.#process.stderr, () => end(how));
      });
    });
    this.#process.unref();
    this.#process.channel?.unref();
    if (this.#process.stderr instanceof Socket) this.#process.stderr.unref();
  }

  /** Whether no more calls can be made. */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** Whether calls wait for their answers. */
  get busy(): boolean {
    return this.#waiting.size > 0;
  }

  /** Makes one call. A child that does not answer in time is abandoned, and all its calls fail. */
  async call(
    call: Call,
    args: object,
    deadlineMs: number,
    { signal, onProgress }: ReadingOptions,
  ): Promise<unknown> {
    signal?.throwIfAborted();
    const request: Request = { id: this.#nextId++, call, folder: this.#folder, args };
    const { promise, ...waiting } = withResolvers<unknown>();
    const timer = setTimeout(
      () => this.abandon(`no answer to ${call} for ${deadlineMs} ms`),
      deadlineMs,
    );
    const aborted = () => {
      waiting.failed(signal?.reason);
      this.#waiting.delete(request.id);
      // What nobody waits for must not go on, unless others wait for theirs.
      if (!this.busy) this.abandon('aborted');
    };
    signal?.addEventListener('abort', aborted, { once: true });
    this.#waiting.set(request.id, {
      ...waiting,
      progressed: (doneBytes) => {
        timer.refresh();
        onProgress?.(doneBytes);
      },
    });
    this.#process.send(request, (error) => error && this.abandon(error.message));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      this.#waiting.delete(request.id);
    }
  }

  /**
   * Kills the process and waits for nothing: one that hangs in the kernel dies only when that lets go. Calls that wait
   * fail with the reason.
   */
  abandon(why: string): void {
    if (this.#abandoned) return;
    this.#abandoned = true;
    this.#process.kill('SIGKILL');
    if (this.#process.connected) this.#process.disconnect();
    this.#process.stderr?.destroy();
    const folder = this.#folder;
    const message = `${folder}: ${why}: look whether it is mounted and its server answers`;
    for (const { failed } of this.#waiting.values())
      failed(new RepositoryUnreachableError(message, { folder }));
  }

  #receive(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if ('doneBytes' in reply) waiting?.progressed(reply.doneBytes);
    else if ('error' in reply) waiting?.failed(unpackError(reply.error));
    else waiting?.answered(reply.result);
  }
}

/** `Promise.withResolvers`, which Node 20 has not. */
function withResolvers<T>() {
  let answered: (result: T) => void = () => {};
  let failed: (error: unknown) => void = () => {};
  const promise = new Promise<T>((resolve, reject) => {
    answered = resolve;
    failed = reject;
  });
  return { promise, answered, failed };
}
