import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile } from '../files/durable.ts';
import { unlessAbsent } from '../files/system-error.ts';
import { MutexTimeoutError } from './errors.ts';
import { withVmMutex } from './mutex.ts';
import { makeVmFolders, type StatePaths } from './state-paths.ts';

/**
 * Keeps the token of the attempt that works on a VM, in the place of the one before, so that the next worker can tell
 * Temporal when this process has died. Not flushed: lost in a power cut, it costs a heartbeat's time-out.
 */
export async function keepToken(paths: StatePaths, vm: string, token: Uint8Array): Promise<void> {
  const file = tokenFile(paths, vm);
  const write = async () => writeFile(file, token, { mode: 0o600 });
  if ((await unlessAbsent(write().then(() => true))) === true) return;
  await makeVmFolders(paths, vm);
  await write();
}

/**
 * Takes the last token when nobody is at work on the VM, as its mutex tells, which dies with its process. The attempt
 * may have ended long ago: Temporal knows.
 */
export async function takeOrphanedToken(
  paths: StatePaths,
  vm: string,
): Promise<Uint8Array | undefined> {
  const wait = { signal: new AbortController().signal, timeoutMs: 0 };
  try {
    return await withVmMutex(paths, vm, wait, async () => {
      const token = await unlessAbsent(readFile(tokenFile(paths, vm)));
      if (token) await removeFile(tokenFile(paths, vm));
      return token;
    });
  } catch (error) {
    if (error instanceof MutexTimeoutError) return undefined;
    throw error;
  }
}

function tokenFile(paths: StatePaths, vm: string): string {
  return join(paths.vm(vm).folder, 'task-token');
}
