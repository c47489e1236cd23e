import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile } from '../files/durable.ts';
import { unlessAbsent } from '../files/system-error.ts';
import { MutexTimeoutError } from './errors.ts';
import { withVmMutex } from './mutex.ts';
import { makeVmFolders, type StatePaths } from './state-paths.ts';

const TokenFile = /^token-[0-9a-f]{16}$/;

/**
 * Keeps the token of an attempt that works on a VM, or waits to, so that the next worker can tell Temporal when this
 * process has died. Not flushed: lost in a power cut, it costs a heartbeat's time-out.
 */
export async function keepToken(paths: StatePaths, vm: string, token: Uint8Array): Promise<void> {
  const { folder } = await makeVmFolders(paths, vm);
  await writeFile(join(folder, nameOf(token)), token, { mode: 0o600 });
}

/** Forgets the token of an attempt that has ended. May be called again. */
export async function dropToken(paths: StatePaths, vm: string, token: Uint8Array): Promise<void> {
  await removeFile(join(paths.vm(vm).folder, nameOf(token)));
}

/**
 * Takes the tokens that are left when nobody is at work on the VM, as its mutex tells, which dies with its process. An
 * attempt may have ended all the same: Temporal knows.
 */
export async function takeOrphanedTokens(paths: StatePaths, vm: string): Promise<Uint8Array[]> {
  const wait = { signal: new AbortController().signal, timeoutMs: 0 };
  const { folder } = paths.vm(vm);
  try {
    return await withVmMutex(paths, vm, wait, async () => {
      const names = ((await unlessAbsent(readdir(folder))) ?? []).filter((name) =>
        TokenFile.test(name),
      );
      const tokens = await Promise.all(names.map((name) => readFile(join(folder, name))));
      for (const name of names) await removeFile(join(folder, name));
      return tokens;
    });
  } catch (error) {
    if (error instanceof MutexTimeoutError) return [];
    throw error;
  }
}

function nameOf(token: Uint8Array): string {
  return `token-${createHash('sha256').update(token).digest('hex').slice(0, 16)}`;
}
