import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { relayQmp, type Onlooker } from '../lab/relay-qmp.ts';

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
      }
      relayQmp(client, qemu, {
        before: async (command) => this.onlooker?.before(command) ?? command.line,
        after: async (command) => this.onlooker?.after?.(command),
        mayHearOf: (event) => this.onlooker?.mayHearOf?.(event) ?? true,
      });
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
}
