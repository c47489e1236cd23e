import { setTimeout as delay } from 'node:timers/promises';
import { GuardError, LeaseStuckError } from '../errors.ts';
import type { StatePaths } from '../state-paths.ts';
import { GuardClient } from './client.ts';
import { findGuard } from './find-guard.ts';

const answerMs = 8_000;
const goMs = 3_000;
const killMs = 5_000;
const lookMs = 20;

/**
 * Lets the VM's guard go, whatever backup it is of, and resolves when its process is gone. One that does not answer is
 * killed; what it held is then to be settled. One that cannot thaw or continue yet goes on trying, and is
 * left to it: `LeaseStuckError`.
 */
export async function endGuard(
  paths: StatePaths,
  vm: string,
  signal: AbortSignal,
): Promise<'none' | 'ended' | 'killed'> {
  if ((await findGuard(paths, vm)) === undefined) return 'none';
  try {
    await using client = await GuardClient.connect(paths, vm, signal);
    const { thawed, freed } = await client.end(answerMs);
    if (!thawed || !freed) throw stuck(paths, vm, thawed, await findGuard(paths, vm));
    if (await goes(paths, vm, goMs, signal)) return 'ended';
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
  }
  const pid = await findGuard(paths, vm);
  if (pid === undefined) return 'ended';
  kill(pid);
  if (await goes(paths, vm, killMs, signal)) return 'killed';
  throw new LeaseStuckError(`${vm}: the guard, process ${pid}, does not end on SIGKILL`);
}

function stuck(
  paths: StatePaths,
  vm: string,
  thawed: boolean,
  pid: number | undefined,
): LeaseStuckError {
  const { freeze } = paths.vm(vm);
  return new LeaseStuckError(
    thawed
      ? `${vm}: THE VM MAY BE PAUSED by a backup: QEMU does not answer; its guard goes on trying`
      : `${vm}: THE GUEST MAY BE FROZEN by a backup: its agent does not say that it is thawed; its guard, process ${pid}, ` +
          `goes on trying. If the guest was restarted since without an agent, end that process and remove ${freeze}`,
  );
}

async function goes(
  paths: StatePaths,
  vm: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  while ((await findGuard(paths, vm)) !== undefined) {
    if (performance.now() >= until) return false;
    await delay(lookMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
  return true;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It went in between.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
