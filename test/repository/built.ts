import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');

/** Builds TypeScript entry points, named from the top of the project, so that plain Node can run them. */
export async function build(
  ...entries: string[]
): Promise<AsyncDisposable & { path: (entry: string) => string }> {
  // Inside the project, where packages are found.
  const folder = join(root, '.cache', `built-${process.pid}`);
  const up = relative(folder, root);
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: `${up}/tsconfig.json`,
      compilerOptions: { noEmit: false, rootDir: up, outDir: 'out' },
      files: entries.map((entry) => `${up}/${entry}`),
    }),
  );
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', folder]);
  return {
    path: (entry) => join(folder, 'out', entry.replace(/\.ts$/, '.js')),
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }),
  };
}
