import type { Socket } from 'node:net';
import { splitLines } from '../qemu/qmp/transport.ts';

/**
 * Passes the lines of one QMP connection on, both ways and in order, until either side ends. Before a `cont` that ends
 * a stop seen on this connection it waits for `beforeCont`, which must not throw. `toQemu` may put another line in the
 * place of one for QEMU.
 */
export function relayQmp(
  client: Socket,
  qemu: Socket,
  beforeCont: () => Promise<void>,
  toQemu: (line: string) => string = (line) => line,
): void {
  let stopped = false;
  const fromQemu = async () => {
    for await (const line of splitLines(qemu.setEncoding('utf8'))) {
      const { event } = parse(line);
      if (event === 'STOP') stopped = true;
      if (event === 'RESUME') stopped = false;
      client.write(`${line}\n`);
    }
  };
  const fromClient = async () => {
    for await (const line of splitLines(client.setEncoding('utf8'))) {
      if (stopped && parse(line).execute === 'cont') await beforeCont();
      qemu.write(`${toQemu(line)}\n`);
    }
  };
  // A broken connection ends the other one; so does an error, which then has nothing to add.
  for (const socket of [client, qemu]) socket.on('error', () => socket.destroy());
  void fromQemu()
    .catch(() => undefined)
    .finally(() => client.destroySoon());
  void fromClient()
    .catch(() => undefined)
    .finally(() => qemu.destroySoon());
}

function parse(line: string): { event?: unknown; execute?: unknown } {
  try {
    return JSON.parse(line) as { event?: unknown; execute?: unknown };
  } catch {
    // Not for us to judge: QEMU says what it thinks of it.
    return {};
  }
}
