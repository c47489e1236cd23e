import { ReceiverError, ToolError } from '../errors.ts';
import { runTool } from '../images/run-tool.ts';

/**
 * Makes what a receiver was given durable, and proves it: a job that waits in `pending` is not durable, because the
 * receiver still holds the qcow2's metadata in memory. May run again. A flush that fails or does not end within
 * `deadlineMs` is a `ReceiverError`.
 */
export async function flushReceiver(
  socket: string,
  deadlineMs: number,
  options: { readonly exportName?: string; readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { exportName = 't', signal } = options;
  const server = { type: 'unix', path: socket };
  const nbd = { driver: 'nbd', server, export: exportName };
  const node = `json:${JSON.stringify({ driver: 'raw', file: nbd })}`;
  await runTool('qemu-io', ['-c', 'flush', node], { timeoutMs: deadlineMs, signal }).catch(
    (cause: unknown) => {
      if (!(cause instanceof ToolError)) throw cause;
      throw new ReceiverError(`receiver ${socket}: not flushed: ${cause.message}`, { cause });
    },
  );
}
