import { readdir } from 'node:fs/promises';
import { processState, receiverSocket } from './process-state.ts';

/**
 * The receivers on this host whose socket's path starts with `prefix`, whoever started them: a worker may have died
 * before it wrote down a process id. Processes that come and go meanwhile do no harm.
 */
export async function findReceivers(prefix: string): Promise<{ pid: number; socket: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const sockets = await Promise.all(
    pids.map(async (pid) => ({
      pid,
      socket: receiverSocket((await processState(pid))?.args ?? []),
    })),
  );
  return sockets.flatMap(({ pid, socket }) =>
    socket?.startsWith(prefix) ? [{ pid, socket }] : [],
  );
}
