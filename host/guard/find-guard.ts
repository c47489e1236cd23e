import { readdir } from 'node:fs/promises';
import { processState, type ProcessState } from '../../qemu/receiver/process-state.ts';
import type { StatePaths } from '../state-paths.ts';

/**
 * The process that guards this VM, alive or hung, known by its arguments in /proc: it may hang before it can be asked,
 * and a process id that was written down may be another's by now.
 */
export async function findGuard(paths: StatePaths, vm: string): Promise<number | undefined> {
  const { guardConfig } = paths.vm(vm);
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (Number.isInteger(pid) && isGuardOf(guardConfig, await processState(pid))) return pid;
  }
  return undefined;
}

function isGuardOf(guardConfig: string, state: ProcessState | undefined): boolean {
  const args = state?.args.filter((arg) => arg !== '') ?? [];
  return args.at(-1) === guardConfig && (args.at(-2)?.endsWith('/guard/main.js') ?? false);
}
