import type { Socket } from 'node:net';
import { splitLines } from '../qemu/qmp/transport.ts';

type Message = { event?: unknown; execute?: unknown; id?: unknown };

/** What is done beside a relayed connection. None of it may throw. */
export type Beside = {
  /** Before a `cont` that ends a stop seen on this connection. */
  readonly beforeCont: () => Promise<void>;
  /** Whether the machine has to stand still for this line. */
  readonly isHeld?: (line: string) => boolean;
  /** Before a line that is held. Tells whether it has stopped a machine that ran. */
  readonly hold?: () => Promise<boolean>;
  /** Before the answer to a line that is held, if `hold` has stopped the machine. */
  readonly letGo?: () => Promise<void>;
  /** Another line in the place of one for QEMU. */
  readonly toQemu?: (line: string) => string;
};

/**
 * Passes the lines of one QMP connection on, both ways and in order, until either side ends. The client sees nothing of
 * the stops that are made beside it.
 */
export function relayQmp(client: Socket, qemu: Socket, beside: Beside): void {
  const { beforeCont, isHeld, hold, letGo, toQemu = (line: string) => line } = beside;
  let stopped = false;
  const held = new Set<unknown>();
  // What QEMU still has to tell of stops beside the client.
  const hidden: string[] = [];
  const release = async (id: unknown) => {
    if (held.delete(id)) await letGo?.();
  };
  const fromQemu = async () => {
    try {
      for await (const line of splitLines(qemu.setEncoding('utf8'))) {
        const { event, id } = parse(line);
        await release(id);
        if (typeof event === 'string' && event === hidden[0]) {
          hidden.shift();
          continue;
        }
        if (event === 'STOP') stopped = true;
        if (event === 'RESUME') stopped = false;
        client.write(`${line}\n`);
      }
    } finally {
      client.destroySoon();
      for (const id of held) await release(id);
    }
  };
  const fromClient = async () => {
    for await (const line of splitLines(client.setEncoding('utf8'))) {
      const { execute, id } = parse(line);
      if (stopped && execute === 'cont') await beforeCont();
      if (!stopped && isHeld?.(line) && hold) {
        hidden.push('STOP', 'RESUME');
        if (await hold()) held.add(id);
        else hidden.splice(-2);
      }
      qemu.write(`${toQemu(line)}\n`);
    }
  };
  // A broken connection ends the other one; so does an error, which then has nothing to add.
  for (const socket of [client, qemu]) socket.on('error', () => socket.destroy());
  void fromQemu().catch(() => undefined);
  void fromClient()
    .catch(() => undefined)
    .finally(() => qemu.destroySoon());
}

function parse(line: string): Message {
  try {
    return JSON.parse(line) as Message;
  } catch {
    // Not for us to judge: QEMU says what it thinks of it.
    return {};
  }
}
