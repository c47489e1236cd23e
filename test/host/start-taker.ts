import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import type { GuardConfig } from '../../host/guard/config.ts';
import type { Built } from './built.ts';

/**
 * Starts `taker.ts`, built, as the head of a process group: a worker in the middle of the instant, the guest frozen and
 * the VM stopped. The group ends with the test at the latest.
 */
export async function startTaker(built: Built, config: GuardConfig): Promise<{ pid: number }> {
  const args = [built.module('test/host/taker.ts'), JSON.stringify(config)];
  const taker = spawn(process.execPath, [...args, ...built.guardCommand], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { pid } = taker;
  if (pid === undefined) throw new Error('the taker cannot be started');
  onTestFinished(() => {
    if (taker.exitCode === null && taker.signalCode === null) process.kill(-pid, 'SIGKILL');
  });
  await once(taker.stdout, 'data');
  return { pid };
}
