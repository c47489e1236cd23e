import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { realpath } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode } from '../files/system-error.ts';
import { MutexTimeoutError } from './errors.ts';
import { makeVmFolders, type StatePaths } from './state-paths.ts';

const retryMs = 50;

type Wait = { readonly signal: AbortSignal; readonly timeoutMs: number };

/**
 * Runs `fn` while nobody else on this host works on this VM: one attempt of one activity at a time, across processes.
 * The kernel frees the mutex when its process dies, and not before: one that hangs keeps the others out. Waits at most
 * `timeoutMs` (then `MutexTimeoutError`). Processes in another network namespace are not seen.
 */
export async function withVmMutex<T>(
  paths: StatePaths,
  vm: string,
  wait: Wait,
  fn: () => Promise<T>,
): Promise<T> {
  await makeVmFolders(paths, vm);
  const late = () =>
    new MutexTimeoutError(
      `${vm}: another attempt is still at work on this VM after ${wait.timeoutMs} ms`,
    );
  return hold(await abstractName(paths, vm), { ...wait, late }, fn);
}

/** Runs `fn` while this process alone has a name. When that is not free in time, throws what `late` makes. */
export async function hold<T>(
  name: string,
  { signal, timeoutMs, late }: Wait & { readonly late: () => Error },
  fn: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const server = await claim(name);
    if (server) {
      try {
        return await fn();
      } finally {
        server.close();
      }
    }
    if (performance.now() >= deadline) throw late();
    await delay(retryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/**
 * Claims a name of the abstract socket namespace for this process, or tells that another has it (undefined).
 * @see unix(7), "Abstract sockets": the name goes with the last descriptor.
 */
export async function claim(name: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen(name);
    await once(server, 'listening');
    // What only waits for its own end must not keep a process alive.
    return server.unref();
  } catch (error) {
    if (errorCode(error) === 'EADDRINUSE') return undefined;
    throw error;
  }
}

/** The name that stands for this VM of this state folder. `part` tells different claims apart. */
export async function abstractName(paths: StatePaths, vm: string, part = ''): Promise<string> {
  const folder = await realpath(paths.root);
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  return `\0stillpoint:${digest}:${vm}${part}`;
}
