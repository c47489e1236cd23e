/*
 * The process that touches the repository, so that its parent need not: entry point of `RemoteRepository`'s children.
 * It ends with its parent.
 */
import { calls } from './calls.ts';
import type { OnBytes } from './digest.ts';
import { packError, type Reply, type Request } from './wire.ts';

const progressEveryMs = 200;

// An orderly exit would wait for threads that hang in the file system.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// Sent to the whole group on Ctrl-C, while the parent may still have something to publish.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('message', (request: Request) => void answer(request));

async function answer({ id, call, folder, args }: Request): Promise<void> {
  let doneBytes = 0;
  let toldAt = performance.now();
  const onBytes: OnBytes = (bytes) => {
    doneBytes += bytes;
    if (performance.now() - toldAt < progressEveryMs) return;
    toldAt = performance.now();
    tell({ id, doneBytes });
  };
  try {
    tell({ id, result: await calls[call](folder, args as never, onBytes) });
  } catch (error) {
    tell({ id, error: packError(folder, error) });
  }
}

function tell(reply: Reply): void {
  process.send?.(reply);
}
