import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { statePaths, type StatePaths } from '../../host/state-paths.ts';

/** A state folder of its own that goes away with all that is in it. */
export async function makeStateFolder(): Promise<AsyncDisposable & { readonly paths: StatePaths }> {
  const folder = await mkdtemp(join(tmpdir(), 'sp-'));
  return {
    paths: statePaths(folder),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
