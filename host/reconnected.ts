import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** QEMU looks for a lost receiver 1, 3, 7 and 15 s after it went, if requests wait for it, and else not at all. */
const reconnectMs = 9_000;
/** More than enough to negotiate and to send again what waited. */
const settleMs = 250;
const lookMs = 50;

/**
 * Waits until QEMU is connected to each of these sockets, and has sent again what waited; bounded, because it does not
 * come when nothing waits.
 */
export async function reconnected(sockets: readonly string[]): Promise<void> {
  const until = performance.now() + reconnectMs;
  for (let since = Infinity; performance.now() < until; await delay(lookMs)) {
    const connected = await connectedSockets();
    if (!sockets.every((socket) => connected.has(socket))) since = Infinity;
    else if (since === Infinity) since = performance.now();
    else if (performance.now() - since >= settleMs) return;
  }
}

/** The paths of unix sockets that serve a client now. @see proc(5), /proc/net/unix: state 03 is connected */
async function connectedSockets(): Promise<Set<string>> {
  const lines = (await readFile('/proc/net/unix', 'utf8')).split('\n');
  const connected = lines.flatMap((line) => {
    const [, , , , , state, , path] = line.trim().split(/\s+/);
    return state === '03' && path !== undefined ? [path] : [];
  });
  return new Set(connected);
}
