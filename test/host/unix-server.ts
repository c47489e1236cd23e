import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { splitLines } from '../../qemu/qmp/transport.ts';

/** A socket that serves one client at a time, as QEMU's do: the next one waits until that one has gone. */
export type UnixServer = AsyncDisposable & { hangUp(): void };

/** Listens on `path`. `serve` is given each client in its turn, and its lines. */
export async function serveOneByOne(
  path: string,
  serve: (say: (text: string) => void, lines: AsyncIterable<string>) => Promise<void>,
): Promise<UnixServer> {
  const sockets = new Set<Socket>();
  let turn = Promise.resolve();
  const server = createServer((socket) => {
    sockets.add(socket);
    // `once` of node:events would reject when a client goes before it has been told all.
    const closed = new Promise((resolve) => void socket.once('close', resolve));
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    turn = inTurn(turn, async () => {
      const say = (text: string) => void socket.write(text, 'latin1');
      await serve(say, splitLines(socket.setEncoding('latin1'))).catch(() => undefined);
      socket.destroy();
      await closed;
    });
  });
  server.listen(path);
  await once(server, 'listening');
  const hangUp = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    hangUp,
    [Symbol.asyncDispose]: async () => {
      server.close();
      hangUp();
      await turn;
    },
  };
}

async function inTurn(before: Promise<void>, next: () => Promise<void>): Promise<void> {
  await before;
  await next();
}
