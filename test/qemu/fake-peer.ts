import type { Transport } from '../../qemu/qmp/transport.ts';

/** The other end of a transport: what it says is read by the client, what the client sends is kept and handed to `onLine`. */
export class FakePeer {
  readonly sent: string[] = [];
  onLine: (line: string) => void = () => {};
  closed = false;
  readonly #said: (string | Error)[] = [];
  #wake: () => void = () => {};

  readonly transport: Transport = {
    lines: this.#lines(),
    send: (line) => {
      this.sent.push(line);
      this.onLine(line);
    },
    close: () => {
      this.closed = true;
      this.#wake();
    },
  };

  say(line: string): void {
    this.#said.push(line);
    this.#wake();
  }

  /** Ends the connection from the other side. */
  hangUp(error: Error = new Error('ECONNRESET')): void {
    this.#said.push(error);
    this.#wake();
  }

  async *#lines(): AsyncGenerator<string> {
    while (!this.closed) {
      const next = this.#said.shift();
      if (next instanceof Error) throw next;
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => void (this.#wake = resolve));
    }
  }
}
