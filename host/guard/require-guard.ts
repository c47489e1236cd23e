import { GuardLostError } from '../errors.ts';
import type { StatePaths } from '../state-paths.ts';
import { GuardClient } from './client.ts';

/**
 * Makes sure that the guard of this backup lives and has not given its copy up: without it nobody lets a guest go on
 * whose writes a target makes fail. Else it is a `GuardLostError`.
 */
export async function requireGuard(
  paths: StatePaths,
  vm: string,
  backupId: string,
  signal: AbortSignal,
): Promise<void> {
  const status = await statusOf(paths, vm, signal);
  if (status?.backupId === backupId && status.broken === undefined) return;
  signal.throwIfAborted();
  throw new GuardLostError(
    `${vm}: the copy has no shield, and ${status?.broken ? `its guard gave it up: ${status.broken}` : 'its guard is gone'}`,
  );
}

async function statusOf(paths: StatePaths, vm: string, signal: AbortSignal) {
  try {
    await using guard = await GuardClient.connect(paths, vm, signal);
    return await guard.status();
  } catch {
    return undefined;
  }
}
