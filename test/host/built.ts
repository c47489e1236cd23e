import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Programs of this moment's source, for tests that run them as processes of their own. */
export type Built = AsyncDisposable & {
  /** Starts the guard; the path of its configuration is to follow. */
  readonly guardCommand: readonly string[];
  /** The path of a built module, by that of its source in the repository. */
  module(source: string): string;
};

/**
 * Compiles the guard and the given sources into a folder of their own, below the repository so that packages are found.
 * Never `dist/`: what lies there may be older than the source.
 */
export async function build(...sources: readonly string[]): Promise<Built> {
  await mkdir(join(root, '.cache'), { recursive: true });
  const folder = await mkdtemp(join(root, '.cache', 'build-'));
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions: {
      noEmit: false,
      noCheck: true,
      rootDir: '../..',
      outDir: '.',
      types: ['node'],
    },
    files: ['host/guard/main.ts', ...sources].map((source) => `../../${source}`),
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', folder]);
  const module = (source: string) => join(folder, source.replace(/\.ts$/, '.js'));
  return {
    guardCommand: [process.execPath, module('host/guard/main.ts')],
    module,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
