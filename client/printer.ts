import { errorType } from './exit-codes.ts';
import type { Io } from './io.ts';
import type { Message } from './output.ts';
import { sentence } from './sentence.ts';

/** What a command was run for goes to stdout; how it went there, to stderr. */
const results = new Set<Message['type']>(['backup', 'status', 'check', 'restored', 'finished']);

/** Starts the line anew. */
const rewind = '\r\u001B[K';

/** Prints messages: with `json` each as one line on stdout, else as sentences for people. */
export class Printer {
  readonly #io: Io;
  readonly #json: boolean;
  #onProgressLine = false;

  constructor(io: Io, json: boolean) {
    this.#io = io;
    this.#json = json;
  }

  print(message: Message): void {
    if (this.#json) {
      this.#io.stdout.write(`${JSON.stringify(message)}\n`);
      return;
    }
    // Without a terminal the steps are told, but not every percent.
    if (message.type === 'progress') {
      this.#showProgress(sentence(message));
      return;
    }
    const text = sentence(message);
    if (text === '') return;
    this.#endProgress();
    const stream = results.has(message.type) ? this.#io.stdout : this.#io.stderr;
    stream.write(`${text}\n`);
  }

  fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.print({ type: 'failed', error: { type: errorType(error), message } });
  }

  #showProgress(text: string): void {
    if (!this.#io.stderr.isTTY) return;
    this.#io.stderr.write(`${rewind}${text}`);
    this.#onProgressLine = true;
  }

  #endProgress(): void {
    if (this.#onProgressLine) this.#io.stderr.write(rewind);
    this.#onProgressLine = false;
  }
}
