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
  /** Ids of the worker's commands that are not answered, also those of a worker that has gone. */
  readonly #asked = new Set<string>();
  #greeting: string | undefined;
  #worker: PassThrough | undefined;

  constructor(upstream: Transport) {
    this.#upstream = upstream;
  }

  /** The guard's end. Reading its lines is what moves the relay, so the guard's client drives it. */
  get own(): Transport {
    return {
      lines: this.#read(),
      send: (line) => this.#upstream.send(line),
      close: () => this.#upstream.close(),
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
        if (this.#worker === worker) this.#forward(line);
      },
      close: () => {
        if (this.#worker === worker) this.#letGo();
      },
    };
  }

  #forward(line: string): void {
    const { id, execute } = parse(line) ?? {};
    if (id === undefined) {
      // Anything but a whole object could leave QEMU's parser waiting for its end, and the guard's commands with it.
      const desc = 'the relay takes one JSON object with an id on each line';
      this.#tell(JSON.stringify({ error: { class: 'GenericError', desc } }));
    } else if (execute === 'qmp_capabilities') {
      this.#tell(JSON.stringify({ return: {}, id }));
    } else {
      this.#asked.add(JSON.stringify(id));
      this.#upstream.send(line);
    }
  }

  async *#read(): AsyncGenerator<string> {
    try {
      for await (const line of this.#upstream.lines) {
        const message = parse(line) ?? {};
        if ('QMP' in message) this.#greeting ??= line;
        // What was asked through the relay is no business of the guard's, also when nobody waits for it any more.
        const theirs =
          message['id'] !== undefined && this.#asked.delete(JSON.stringify(message['id']));
        if (theirs || 'event' in message) this.#tell(line);
        if (!theirs) yield line;
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
