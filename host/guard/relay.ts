import { PassThrough } from 'node:stream';
import type { Transport } from '../../qemu/qmp/transport.ts';

/** A worker that hangs leaves its events lying; with so many of them it is let go, so that it fills no memory. */
const maxUnread = 20_000;

/**
 * Shares one QMP connection between the guard and one worker. QEMU serves one client on a socket, and drops what is
 * queued when that client goes; behind the relay a worker may die or hang at any time, and the guard still reaches QEMU.
 *
 * The guard's own client greets and negotiates; the worker is shown the same greeting. Lines pass verbatim: answers go
 * to whoever asked, known by their ids, and events to both.
 */
export class Relay {
  readonly #upstream: Transport;
  /** Who asked what is not answered yet, by id; it may have gone since. */
  readonly #asked = new Map<string, PassThrough>();
  /** The guard's end. Reading its lines is what moves the relay, so the guard's client drives it. */
  readonly own: Transport;
  #greeting: string | undefined;
  #worker: PassThrough | undefined;

  constructor(upstream: Transport) {
    this.#upstream = upstream;
    this.own = {
      lines: this.#read(),
      send: (line) => upstream.send(line),
      close: () => upstream.close(),
    };
  }

  /** The worker's end, once the guard's is greeted. One at a time: throws while there is another. */
  attach(): Transport {
    if (this.#worker) throw new Error('the relay serves another client');
    const worker = new PassThrough({ objectMode: true });
    this.#worker = worker;
    if (this.#greeting !== undefined) this.#tell(this.#greeting);
    return {
      lines: worker,
      send: (line) => {
        if (this.#worker === worker) this.#forward(line, worker);
      },
      close: () => {
        if (this.#worker === worker) this.#letGo();
      },
    };
  }

  #forward(line: string, worker: PassThrough): void {
    const { id, execute } = parse(line) ?? {};
    if (id === undefined) {
      // Anything but a whole object could leave QEMU's parser waiting for its end, and the guard's commands with it.
      const desc = 'the relay takes one JSON object with an id on each line';
      this.#tell(JSON.stringify({ error: { class: 'GenericError', desc } }));
    } else if (execute === 'qmp_capabilities') {
      this.#tell(JSON.stringify({ return: {}, id }));
    } else {
      this.#asked.set(JSON.stringify(id), worker);
      this.#upstream.send(line);
    }
  }

  async *#read(): AsyncGenerator<string> {
    try {
      for await (const line of this.#upstream.lines) {
        const message = parse(line) ?? {};
        if ('QMP' in message) this.#greeting ??= line;
        const id = JSON.stringify(message.id) ?? '';
        const asker = this.#asked.get(id);
        this.#asked.delete(id);
        // What a worker asked is no business of the guard's, nor of the next worker's.
        if (!asker) yield line;
        if (asker ? asker === this.#worker : 'event' in message) this.#tell(line);
      }
    } finally {
      this.#letGo();
    }
  }

  #tell(line: string): void {
    this.#worker?.write(line);
    if (this.#worker && this.#worker.writableLength > maxUnread) this.#letGo();
  }

  #letGo(): void {
    this.#worker?.end();
    this.#worker = undefined;
  }
}

function parse(
  line: string,
): { id?: unknown; execute?: unknown; [key: string]: unknown } | undefined {
  try {
    const json: unknown = JSON.parse(line);
    const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
    return isObject ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
