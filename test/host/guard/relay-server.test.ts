import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { QmpLink } from '../../../host/guard/qmp-link.ts';
import { RelayServer } from '../../../host/guard/relay-server.ts';
import { eventually } from '../eventually.ts';
import { VmOnSockets } from '../vm-on-sockets.ts';

let vm: VmOnSockets;
let link: QmpLink;
let server: RelayServer;
let path: string;
beforeEach(async () => {
  vm = await VmOnSockets.make();
  path = `${vm.folder}/relay`;
  link = new QmpLink(vm.config.qmp);
  server = new RelayServer(link, () => {});
  await server.listen(path);
});
afterEach(async () => {
  server.close();
  link.close();
  await vm[Symbol.asyncDispose]();
});

/** A client, and what it has heard so far. */
async function come(): Promise<{ socket: Socket; heard: () => string }> {
  const socket = connect(path).setEncoding('utf8');
  let heard = '';
  socket.on('data', (text: string) => {
    heard += text;
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return { socket, heard: () => heard };
}

describe('RelayServer', () => {
  it('keeps the next client waiting for its greeting until the one before has gone', async () => {
    const first = await come();
    await eventually(() => first.heard().includes('QMP'));
    const second = await come();
    await eventually(() => server.clients === 2);

    first.socket.write('{"execute":"query-status","id":"1"}\n');
    await eventually(() => first.heard().includes('running'));
    expect(second.heard()).toBe('');
    first.socket.destroy();

    await eventually(() => second.heard().includes('QMP'));
    expect(server.clients).toBe(1);
  });

  it('forgets a client that goes while it waits', async () => {
    const first = await come();
    await eventually(() => first.heard().includes('QMP'));
    const second = await come();
    const third = await come();
    await eventually(() => server.clients === 3);

    second.socket.destroy();
    await eventually(() => server.clients === 2);
    first.socket.destroy();

    await eventually(() => third.heard().includes('QMP'));
    expect(server.clients).toBe(1);
  });

  it('lets all go when it is shut, takes none, and takes new ones when it is open again', async () => {
    const first = await come();
    await eventually(() => first.heard().includes('QMP'));
    const second = await come();
    await eventually(() => server.clients === 2);

    server.shut();
    await eventually(() => first.socket.destroyed && second.socket.destroyed);
    const refused = await come();
    await eventually(() => refused.socket.destroyed);
    server.reopen();

    const third = await come();
    await eventually(() => third.heard().includes('QMP'));
    expect([second.heard(), refused.heard()]).toEqual(['', '']);
  });

  it('sends a client away when QEMU is not to be reached', async () => {
    link.close();

    const client = await come();

    await eventually(() => client.socket.destroyed);
    expect(client.heard()).toBe('');
  });

  it('takes the next client over a new connection when QEMU has ended the one before', async () => {
    const first = await come();
    await eventually(() => first.heard().includes('QMP'));

    vm.qemu.hangUp();
    await eventually(() => first.socket.destroyed);

    const second = await come();
    await eventually(() => second.heard().includes('QMP'));
    expect(server.clients).toBe(1);
  });
});
