import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** A unix socket that is listened on, and every connection that goes through it. */
export type Connections = AsyncDisposable & {
  /** Counts a connection in, as long as it stands. */
  keep(socket: Socket): void;
  /** Cuts every connection, as a dying socket does, and tells how many. New ones are taken. */
  cut(): number;
};

/** Listens on a unix socket; each client is handed to `serve`, and kept already. */
export async function listen(
  path: string,
  serve: (client: Socket, connections: Connections) => void,
): Promise<Connections> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    connections.keep(client);
    serve(client, connections);
  });
  const connections: Connections = {
    keep(socket) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    },
    cut() {
      const { size } = sockets;
      for (const socket of sockets) socket.destroy();
      return size;
    },
    async [Symbol.asyncDispose]() {
      connections.cut();
      server.close();
      await once(server, 'close');
    },
  };
  server.listen(path);
  await once(server, 'listening');
  return connections;
}
