import type { Socket } from 'node:net';
import { splitLines } from '../qemu/qmp/transport.ts';
import { copiesStarted, type Sent } from './copies-started.ts';

/** A command on its way to QEMU. */
export type Command = {
  readonly name: string;
  readonly line: string;
  /** The nodes that the jobs it starts read from. */
  readonly copied: readonly string[];
  /** When nothing more comes of the connection that it came on. */
  readonly hungUp: Promise<void>;
};

/** Who looks at one connection, and may hold back what goes over it as long as a promise lasts. */
export type Onlooker = {
  /** What it returns goes to QEMU. */
  before(command: Command): Promise<string>;
  /** QEMU has answered, and the client does not know yet. */
  after?(command: Command): Promise<void>;
  /** Whether the client may learn of an event. */
  mayHearOf?(event: string): boolean;
};

/** Passes the lines of one QMP connection on, both ways and in order, until either side ends. */
export function relayQmp(client: Socket, qemu: Socket, onlooker: Onlooker): void {
  const sent = new Map<unknown, Command>();
  const hungUp = new Promise<void>((resolve) => void client.once('close', () => resolve()));
  const toQemu = async () => {
    for await (const line of splitLines(client.setEncoding('utf8'))) {
      const message = parse(line);
      let passed = line;
      if (typeof message.execute === 'string') {
        const copied = copiesStarted(message).map(({ device = '' }) => device);
        const command = { name: message.execute, line, copied, hungUp };
        if (message.id !== undefined) sent.set(message.id, command);
        passed = await onlooker.before(command);
      }
      qemu.write(`${passed}\n`);
    }
  };
  const toClient = async () => {
    for await (const line of splitLines(qemu.setEncoding('utf8'))) {
      const { event, id } = parse(line);
      const command = event === undefined ? sent.get(id) : undefined;
      if (command) {
        sent.delete(id);
        await onlooker.after?.(command);
      }
      if (typeof event === 'string' && onlooker.mayHearOf?.(event) === false) continue;
      client.write(`${line}\n`);
    }
  };
  // A broken connection ends the other one; so does an error, which then has nothing to add.
  for (const socket of [client, qemu]) socket.on('error', () => socket.destroy());
  void toQemu()
    .catch(() => undefined)
    .finally(() => qemu.destroySoon());
  void toClient()
    .catch(() => undefined)
    .finally(() => client.destroySoon());
}

function parse(line: string): Sent & { readonly event?: unknown } {
  try {
    return JSON.parse(line) as Sent;
  } catch {
    // Not for us to judge: QEMU says what it thinks of it.
    return {};
  }
}
