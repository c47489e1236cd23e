import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';

/** A process as /proc shows it. `startedAt` tells it from a later one of the same id. @see proc(5) */
export type ProcessState = { readonly startedAt: string; readonly args: readonly string[] };

/** Errors of a process that went meanwhile, or that is not ours to look at. */
const INVISIBLE = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'];

/** Reads a process's state; undefined when there is none (any more), also when only its entry waits for its parent. */
export async function processState(pid: number): Promise<ProcessState | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name before it, in parentheses, may hold anything.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const threads = await readdir(`/proc/${pid}/task`);
    if ((state === 'Z' || state === 'X') && threads.length <= 1) return undefined;
    return { startedAt: fields[18] ?? '', args: await argsOf(pid, threads) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && INVISIBLE.includes(String(error.code)))
      return undefined;
    throw error;
  }
}

/** When its first thread has ended, but another one hangs in the kernel and holds its files, only that one still knows. */
async function argsOf(pid: number, threads: readonly string[]): Promise<string[]> {
  let commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8');
  for (const thread of threads) {
    if (commandLine !== '') break;
    commandLine = await readFile(`/proc/${pid}/task/${thread}/cmdline`, 'utf8').catch(() => '');
  }
  return commandLine.split('\0');
}

/** The socket that a receiver serves; undefined for any other process. */
export function receiverSocket(args: readonly string[]): string | undefined {
  if (basename(args[0] ?? '') !== 'qemu-nbd') return undefined;
  const at = args.indexOf('-k');
  return at === -1 ? undefined : args[at + 1];
}
