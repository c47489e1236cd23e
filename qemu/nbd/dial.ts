import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const againMs = 10;

/**
 * Connects to a unix socket; when `signal` aborts, also later, the connection ends. QEMU below 5.2 lets one client wait at
 * a time, and the others are told to try again.
 */
export async function dial(path: string, signal: AbortSignal): Promise<Socket> {
  for (;;) {
    const socket = connect({ path });
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    try {
      await once(socket, 'connect', { signal });
      // Whoever reads sees the end; without a listener an EPIPE would end the process.
      socket.on('error', () => socket.destroy());
      return socket;
    } catch (error) {
      socket.destroy();
      if (!isQueueFull(error)) throw error;
    }
    await delay(againMs, undefined, { signal });
  }
}

function isQueueFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
