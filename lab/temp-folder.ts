import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of its own that goes away with all that is in it. */
export type TempFolder = AsyncDisposable & { readonly path: string };

/** Makes a folder with a short path: those of sockets have 107 characters at most. */
export async function makeTempFolder(): Promise<TempFolder> {
  const path = await mkdtemp(join(tmpdir(), 'sp-'));
  return {
    path,
    // A program that was just killed may still be making files.
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}
