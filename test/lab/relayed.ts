import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { relayQmp, type Onlooker } from '../../lab/relay-qmp.ts';
import { makeTempFolder } from '../../lab/temp-folder.ts';
import { splitLines } from '../../qemu/qmp/transport.ts';

/** A relay between two sockets, seen from both ends. */
export async function relayed(onlooker: Onlooker) {
  const temp = await makeTempFolder();
  const [client, near] = await socketPair(join(temp.path, 'client.sock'));
  const [far, qemu] = await socketPair(join(temp.path, 'qemu.sock'));
  relayQmp(near, far, onlooker);
  const reader = (socket: Socket) => {
    const lines = splitLines(socket.setEncoding('utf8'));
    return async () => {
      const { value, done } = await lines.next();
      return done === true ? undefined : value;
    };
  };
  return {
    client,
    qemu,
    atClient: reader(client),
    atQemu: reader(qemu),
    async [Symbol.asyncDispose]() {
      for (const socket of [client, near, far, qemu]) socket.destroy();
      await temp[Symbol.asyncDispose]();
    },
  };
}

async function socketPair(path: string): Promise<[Socket, Socket]> {
  const server = createServer().listen(path);
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const socket = connect(path);
  await once(socket, 'connect');
  const [other] = await accepted;
  server.close();
  return [socket, other];
}
