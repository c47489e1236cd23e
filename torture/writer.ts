import { setTimeout as delay } from 'node:timers/promises';
import type { Actor } from './actor.ts';
import type { Write } from './story.ts';

const pauseMs = 30;
/** How far each round of writes goes on: what was written before would hide that a later write was forgotten. */
const stride = 7_919;

/** The guest, as long as a backup runs: performs some writes over and over. */
export class Writer {
  /** What QEMU said of writes that failed. */
  readonly failures: string[] = [];
  readonly #end = new AbortController();
  #done: Promise<void> = Promise.resolve();

  private constructor() {}

  /** `rests` is asked before each write. */
  static start(actor: Actor, writes: readonly Write[], rests: () => boolean): Writer {
    const writer = new Writer();
    if (writes.length > 0) writer.#done = writer.#run(actor, writes, rests);
    return writer;
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#done;
  }

  async #run(actor: Actor, writes: readonly Write[], rests: () => boolean): Promise<void> {
    const { signal } = this.#end;
    for (let count = 0; !signal.aborted; count++) {
      const write = writes[count % writes.length];
      const moved = Math.floor(count / writes.length) * stride;
      if (write && !rests())
        await actor
          .write({ ...write, at: (write.at + moved) % 65_536 })
          .catch((error: unknown) => this.failures.push(String(error)));
      await delay(pauseMs);
    }
  }
}
