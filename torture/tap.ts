import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { copiesStarted, type Sent } from '../lab/copies-started.ts';
import { splitLines } from '../qemu/qmp/transport.ts';

/** A command of the product on its way to QEMU. */
export type Command = {
  readonly name: string;
  readonly line: string;
  /** The nodes that the jobs it starts read from. */
  readonly copied: readonly string[];
  /** When nothing more comes of the connection that it came on. */
  readonly hungUp: Promise<void>;
};

/** Who looks at every command, and may hold it back as long as a promise lasts. */
export type Onlooker = {
  /** What it returns goes to QEMU. */
  before(command: Command): Promise<string>;
  /** QEMU has answered, and the product does not know yet. */
  after(command: Command): Promise<void>;
};

/** A way to a VM's QMP socket, on a path that stays the same while QEMUs come and go behind it. */
export class Tap {
  readonly qmpSocket: string;
  onlooker: Onlooker | undefined;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(qmpSocket: string) {
    this.qmpSocket = qmpSocket;
  }

  /** Lets the product in to that QEMU. */
  async open(qemuSocket: string): Promise<void> {
    const server = createServer((client) => {
      const qemu = connect(qemuSocket);
      for (const socket of [client, qemu]) {
        this.#sockets.add(socket);
        socket.on('close', () => this.#sockets.delete(socket));
        socket.on('error', () => socket.destroy());
      }
      this.#relay(client, qemu);
    });
    server.listen(this.qmpSocket);
    await once(server, 'listening');
    this.#server = server;
  }

  /** Nobody listens any more, as when QEMU has ended: what is connected ends with QEMU itself. */
  shut(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** Cuts every connection. New ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #relay(client: Socket, qemu: Socket): void {
    const sent = new Map<unknown, Command>();
    const hungUp = new Promise<void>((resolve) => void client.once('close', () => resolve()));
    const toQemu = async () => {
      for await (const line of splitLines(client.setEncoding('utf8'))) {
        const { id, command } = parse(line, hungUp);
        if (command) sent.set(id, command);
        const passed = command ? await this.onlooker?.before(command) : undefined;
        qemu.write(`${passed ?? line}\n`);
      }
    };
    const toClient = async () => {
      for await (const line of splitLines(qemu.setEncoding('utf8'))) {
        const id = answeredIn(line);
        const command = sent.get(id);
        sent.delete(id);
        if (command) await this.onlooker?.after(command);
        client.write(`${line}\n`);
      }
    };
    void toQemu()
      .catch(() => undefined)
      .finally(() => qemu.destroySoon());
    void toClient()
      .catch(() => undefined)
      .finally(() => client.destroySoon());
  }
}

function parse(line: string, hungUp: Promise<void>): { id?: unknown; command?: Command } {
  try {
    const sent = JSON.parse(line) as Sent;
    const { execute, id } = sent;
    if (typeof execute !== 'string') return {};
    const copied = copiesStarted(sent).map(({ device = '' }) => device);
    return { id, command: { name: execute, line, copied, hungUp } };
  } catch {
    // QEMU says what it thinks of it.
    return {};
  }
}

/** The id of the command that this line of QEMU answers, if it answers one: it stands last in the line. */
function answeredIn(line: string): string | undefined {
  return /"id": ?"([^"]*)"\}$/.exec(line.slice(-100).trimEnd())?.[1];
}
