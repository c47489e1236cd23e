import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { FOLDER_VARIABLE, filesIn, type Armed, type Moment } from './armed.ts';

export type { Moment } from './armed.ts';

/** The built form of the preload: it runs in the product's processes. */
function preload(): string {
  const here = new URL('preload.js', import.meta.url);
  const fromSource = new URL('../../dist/lab/edges/preload.js', import.meta.url);
  return fileURLToPath(import.meta.url.endsWith('.ts') ? fromSource : here);
}

/** The watch over all that processes of the product do to the world: it writes their effects down, or holds one. */
export class Edges {
  readonly #folder: string;
  readonly #files: ReturnType<typeof filesIn>;
  #run = 0;
  #hold = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#files = filesIn(folder);
  }

  /** In a folder of its own beside what the product works on: changes below the folder's parent are watched. */
  static async make(folder: string): Promise<Edges> {
    await mkdir(folder);
    return new Edges(folder);
  }

  /** What a process needs in its environment to be watched. It passes it on to those that it starts. */
  get env(): Record<string, string> {
    return { [FOLDER_VARIABLE]: this.#folder, NODE_OPTIONS: `--import=file://${preload()}` };
  }

  /** The points of all effects from now until `stop`, in the order in which they began. */
  async record(work: () => Promise<void>): Promise<string[]> {
    await this.#arm({ run: ++this.#run, record: true });
    await work();
    await this.disarm();
    const text = await readFile(this.#files.points, 'utf8');
    await rm(this.#files.points);
    return text.trim().split('\n');
  }

  /** From now on the first process that comes to that moment stands still. */
  async hold(point: string, moment: Moment): Promise<void> {
    await this.#arm({ run: ++this.#run, hold: { number: ++this.#hold, point, moment } });
  }

  /** Lets the one that is held go on, and holds the first that comes to that later moment; what was counted stays. */
  async holdNext(point: string, moment: Moment): Promise<void> {
    const before = this.#hold;
    await this.#arm({ run: this.#run, hold: { number: ++this.#hold, point, moment } });
    await writeFile(this.#files.released(before), '');
  }

  /** The process id of the one that is held, when it is. */
  async held(): Promise<number | undefined> {
    const path = this.#files.held(this.#hold);
    return existsSync(path) ? Number(await readFile(path, 'utf8')) : undefined;
  }

  /** Lets the one that is held go on. */
  async release(): Promise<void> {
    await writeFile(this.#files.released(this.#hold), '');
  }

  async disarm(): Promise<void> {
    await rm(this.#files.armed, { force: true });
  }

  async #arm(armed: Armed): Promise<void> {
    const whole = `${this.#files.armed}.tmp`;
    await writeFile(whole, JSON.stringify(armed));
    await rename(whole, this.#files.armed);
  }
}
