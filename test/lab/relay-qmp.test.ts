import { EventEmitter, once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { relayQmp, type Beside } from '../../lab/relay-qmp.ts';
import { makeTempFolder } from '../../lab/temp-folder.ts';
import { splitLines } from '../../qemu/qmp/transport.ts';

const STOP = '{"event": "STOP"}';
const RESUME = '{"event": "RESUME"}';
const CONT = '{"execute":"cont","id":"1"}';

describe('relayQmp', () => {
  it('passes all other lines on as they are, both ways', async () => {
    await using pair = await relayed({});
    pair.client.write('{"execute":"stop"}\nnot JSON\n');
    pair.qemu.write(`${STOP}\n`);
    expect(await pair.atQemu()).toBe('{"execute":"stop"}');
    expect(await pair.atQemu()).toBe('not JSON');
    expect(await pair.atClient()).toBe(STOP);
  });

  it('holds a cont back until it may go, and what follows behind it', async () => {
    const gate = new EventEmitter();
    const asked = once(gate, 'asked');
    const order: (string | undefined)[] = [];
    await using pair = await relayed({
      beforeCont: async () => {
        gate.emit('asked');
        await once(gate, 'open');
        order.push('let go');
      },
    });
    pair.qemu.write(`${STOP}\n`);
    await pair.atClient();
    pair.client.write(`${CONT}\n{"execute":"query-status"}\n`);
    const arrived = pair.atQemu().then((line) => order.push(line));
    await asked;
    // A way there and back: time for a line that did not wait.
    pair.qemu.write('{"event": "OTHER"}\n');
    await pair.atClient();
    gate.emit('open');
    await arrived;
    expect(order).toEqual(['let go', CONT]);
    expect(await pair.atQemu()).toBe('{"execute":"query-status"}');
  });

  it('lets a cont through at once when the machine runs', async () => {
    let asked = 0;
    await using pair = await relayed({ beforeCont: async () => void asked++ });
    pair.qemu.write(`${STOP}\n${RESUME}\n`);
    await pair.atClient();
    await pair.atClient();
    pair.client.write(`${CONT}\n`);
    expect(await pair.atQemu()).toBe(CONT);
    expect(asked).toBe(0);
  });

  it('has a machine stand still for a line until its answer, and hides that from the client', async () => {
    const order: string[] = [];
    await using pair = await relayed({
      isHeld: (line) => line.includes('transaction'),
      hold: async () => {
        order.push('stopped');
        // QEMU tells every monitor.
        pair.qemu.write(`${STOP}\n`);
        return true;
      },
      letGo: async () => {
        order.push('let go');
        pair.qemu.write(`${RESUME}\n`);
      },
    });
    pair.client.write('{"execute":"transaction","id":"7"}\n');
    expect(await pair.atQemu()).toContain('transaction');
    expect(order).toEqual(['stopped']);
    pair.qemu.write('{"return":{},"id":"6"}\n{"return":{},"id":"7"}\n');
    expect(await pair.atClient()).toContain('"6"');
    expect(await pair.atClient()).toContain('"7"');
    expect(order).toEqual(['stopped', 'let go']);
    // The next ones are the product's again.
    pair.qemu.write(`${STOP}\n`);
    expect(await pair.atClient()).toBe(STOP);
  });

  it('lets a machine go on whose answer never comes', async () => {
    const gone = new EventEmitter();
    const letGo = once(gone, 'let go');
    await using pair = await relayed({
      isHeld: () => true,
      hold: async () => true,
      letGo: async () => void gone.emit('let go'),
    });
    pair.client.write(`${CONT}\n`);
    await pair.atQemu();
    pair.client.destroy();
    await expect(letGo).resolves.toBeDefined();
  });

  it('ends QEMU’s side after what was sent when the client goes away', async () => {
    await using pair = await relayed({});
    pair.client.end(`${CONT}\n`);
    expect(await pair.atQemu()).toBe(CONT);
    expect(await pair.atQemu()).toBeUndefined();
  });

  it('ends the client’s side when QEMU goes away', async () => {
    await using pair = await relayed({});
    pair.qemu.destroy();
    expect(await pair.atClient()).toBeUndefined();
  });
});

/** A relay between two sockets, seen from both ends. */
async function relayed(beside: Partial<Beside>) {
  const temp = await makeTempFolder();
  const [client, near] = await socketPair(join(temp.path, 'client.sock'));
  const [far, qemu] = await socketPair(join(temp.path, 'qemu.sock'));
  relayQmp(near, far, { beforeCont: async () => {}, ...beside });
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
