import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { filesIn, type Armed, type Moment } from './armed.ts';

/** A process that nobody releases goes on after this. */
const heldMs = 30_000;

const cell = new Int32Array(new SharedArrayBuffer(4));

/**
 * One process's view of the effects that it is about to have. An effect's point is who has it, what it is, and the how
 * manieth of that name: `takeInstant qmp.sock stop 1`.
 */
export class Edge {
  readonly #files: ReturnType<typeof filesIn>;
  readonly #who: () => string | undefined;
  readonly #counts = new Map<string, number>();
  #run = -1;

  /** `who` names the one at work now, or undefined for what is not watched. */
  constructor(folder: string, who: () => string | undefined) {
    this.#files = filesIn(folder);
    this.#who = who;
  }

  /** Call just before an effect, and what it returns just after it. */
  begin(what: string): () => void {
    const who = this.#who();
    const armed = who === undefined ? undefined : this.#armed();
    if (!armed) return () => {};
    if (armed.run !== this.#run) this.#counts.clear();
    this.#run = armed.run;
    const name = `${who} ${what}`;
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    const point = `${name} ${count}`;
    if (armed.record) appendFileSync(this.#files.points, `${point}\n`);
    this.#holdAt(armed, point, 'before');
    return () => {
      // One that was held before the effect may be wanted after it.
      const now = this.#armed();
      if (now?.run === armed.run) this.#holdAt(now, point, 'after');
    };
  }

  #armed(): Armed | undefined {
    try {
      return JSON.parse(readFileSync(this.#files.armed, 'utf8')) as Armed;
    } catch {
      return undefined;
    }
  }

  /** Stands still, the whole process: so it dies, or goes on, right here. */
  #holdAt({ hold }: Armed, point: string, moment: Moment): void {
    if (hold?.point !== point || hold.moment !== moment) return;
    try {
      writeFileSync(this.#files.held(hold.number), String(process.pid), { flag: 'wx' });
    } catch {
      // Once is enough: the one that comes after a restart finds it done.
      return;
    }
    const until = performance.now() + heldMs;
    while (!existsSync(this.#files.released(hold.number)) && performance.now() < until)
      Atomics.wait(cell, 0, 0, 2);
  }
}
