import { setTimeout as delay } from 'node:timers/promises';
import { ReceiverError } from '../errors.ts';
import { processState, receiverSocket } from './process-state.ts';

const KILL_MS = 5_000;
const PAUSE_MS = 10;

/**
 * Ends a receiver: SIGTERM, on which it flushes and goes; after `graceMs` (0: at once) SIGKILL. Resolves when the
 * process is gone, also when it was before or the id is by now another's, so it may run again. One that SIGKILL does not
 * end within 5 s, because its file system hangs, is a `ReceiverError`; it goes as soon as its file system lets it.
 */
export async function endReceiver(pid: number, graceMs: number): Promise<void> {
  const receiver = await processState(pid);
  if (!receiver || receiverSocket(receiver.args) === undefined) return;
  const isThere = async () => (await processState(pid))?.startedAt === receiver.startedAt;
  for (const [signal, waitMs] of [['SIGTERM', graceMs] as const, ['SIGKILL', KILL_MS] as const]) {
    if (waitMs === 0 || !(await isThere())) continue;
    send(pid, signal);
    const until = performance.now() + waitMs;
    while ((await isThere()) && performance.now() < until) await delay(PAUSE_MS);
  }
  if (await isThere())
    throw new ReceiverError(
      `receiver ${receiverSocket(receiver.args)}: process ${pid} did not end within ${KILL_MS} ms after SIGKILL: its file system hangs`,
    );
}

function send(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It went in between.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
