import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** A server on a unix socket that takes connections and says nothing. An NBD client of it stands still until it hangs up. */
export class MuteServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #connections = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#connections.add(socket.on('error', () => {}).resume());
    });
  }

  static async listen(path: string): Promise<MuteServer> {
    const server = createServer();
    server.listen(path);
    await once(server, 'listening');
    return new MuteServer(server);
  }

  /** Resolves when somebody has connected. */
  async connected(): Promise<void> {
    if (this.#connections.size === 0) await once(this.#server, 'connection');
  }

  /** Hangs up on all. */
  release(): void {
    for (const connection of this.#connections) connection.destroy();
    this.#connections.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    this.#server.close();
  }
}
