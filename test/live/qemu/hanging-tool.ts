import { readFile, writeFile } from 'node:fs/promises';
import { vi } from 'vitest';
import type { TemporaryFolder } from './temporary-folder.ts';

/** Puts a program of this name before the real one, which says its process id into `<name>.pid`, then nothing, for ever. */
export class HangingTool implements AsyncDisposable {
  readonly #path: string | undefined;
  readonly #pidFile: string;

  private constructor(path: string | undefined, pidFile: string) {
    this.#path = path;
    this.#pidFile = pidFile;
  }

  static async install(folder: TemporaryFolder, name: string): Promise<HangingTool> {
    const pidFile = folder.at(`${name}.pid`);
    const script = `#!/bin/sh\necho $$ > ${pidFile}\nexec sleep 600\n`;
    await writeFile(folder.at(name), script, { mode: 0o755 });
    const { PATH } = process.env;
    process.env['PATH'] = `${folder.path}:${PATH}`;
    return new HangingTool(PATH, pidFile);
  }

  /** Resolves when the process that was started is gone. */
  async ended(): Promise<void> {
    const pid = Number(await readFile(this.#pidFile, 'utf8'));
    await vi.waitFor(async () => {
      const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
      if (!/\) [ZX]/.test(state)) throw new Error(`process ${pid} is still there`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.env['PATH'] = this.#path;
  }
}
