import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { splitLines, type Transport } from '../../qemu/qmp/transport.ts';
import type { QmpLink } from './qmp-link.ts';

/**
 * Offers the VM's QMP on a socket of the guard's, as QEMU does: one client is served, the next waits for its greeting
 * until that one has gone.
 */
export class RelayServer {
  readonly #link: QmpLink;
  readonly #onLeave: () => void;
  readonly #server: Server;
  /** The first one is served. */
  readonly #clients: Socket[] = [];
  #worker: Transport | undefined;
  #open = true;

  /** `onLeave` is called whenever a client has gone. */
  constructor(link: QmpLink, onLeave: () => void) {
    this.#link = link;
    this.#onLeave = onLeave;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(path: string): Promise<void> {
    await rm(path, { force: true });
    this.#server.listen(path);
    await once(this.#server, 'listening');
  }

  get clients(): number {
    return this.#clients.length;
  }

  /** Whether a client that comes now is served. */
  get open(): boolean {
    return this.#open;
  }

  /** Lets the clients go and takes no new ones. From now on none of their commands reaches QEMU any more. */
  shut(): void {
    this.#open = false;
    this.#worker?.close();
    for (const socket of this.#clients) socket.destroy();
  }

  /** Takes clients again. */
  reopen(): void {
    this.#open = true;
  }

  /** Ends the server and takes its socket away. */
  close(): void {
    this.shut();
    this.#server.close();
  }

  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (!this.#open) {
      socket.destroy();
      return;
    }
    this.#clients.push(socket);
    socket.once('close', () => {
      // The one that is served is taken out when its end of the relay is free again.
      if (this.#clients[0] !== socket) this.#remove(socket);
    });
    if (this.#clients[0] === socket) void this.#serveAll();
  }

  async #serveAll(): Promise<void> {
    for (let socket = this.#clients[0]; socket; socket = this.#clients[0]) {
      // When QEMU is not to be reached, the client sees the end of its connection.
      await this.#serve(socket).catch(() => {});
      socket.destroy();
      this.#remove(socket);
    }
  }

  async #serve(socket: Socket): Promise<void> {
    const worker = await this.#link.attach();
    this.#worker = worker;
    socket.once('close', () => worker.close());
    if (socket.destroyed || !this.#open) worker.close();
    void forward(socket, worker);
    try {
      for await (const line of worker.lines)
        if (!socket.write(`${line}\n`))
          await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    } finally {
      worker.close();
      this.#worker = undefined;
    }
  }

  #remove(socket: Socket): void {
    const at = this.#clients.indexOf(socket);
    if (at < 0) return;
    this.#clients.splice(at, 1);
    this.#onLeave();
  }
}

async function forward(socket: Socket, worker: Transport): Promise<void> {
  try {
    for await (const line of splitLines(socket.setEncoding('utf8'))) worker.send(line);
  } catch {
    // It broke, or sent a line without end.
  }
  worker.close();
}
