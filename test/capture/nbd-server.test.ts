import { describe, expect, it } from 'vitest';
import { NbdListenError, NbdServerBusyError } from '../../capture/errors.ts';
import { addExport, closeNbdServer, ourExports, removeExports } from '../../capture/exports.ts';
import { startNbdServer, type Listen } from '../../capture/nbd-server.ts';
import { takeOut } from '../../capture/take-out.ts';
import { readVmState } from '../../capture/vm-state.ts';
import { ourName } from '../../model/names.ts';
import { FakeVm } from './fake-vm.ts';
import { receiversInto, wednesday } from './sample.ts';

const socket: Listen = { path: '/run/sp/nbd.sock' };
const port: Listen = { host: '192.0.2.7', port: '10809', tlsCreds: '/etc/pki/qemu' };
const theirs = { addr: { type: 'unix' as const, data: { path: '/run/theirs.sock' } } };
const theirExport = { type: 'nbd' as const, id: 'theirs', 'node-name': 'vd0-node', name: 'vd0' };

const start = async (vm: FakeVm, listen: Listen) =>
  startNbdServer(await vm.open(), wednesday, listen);

async function close(vm: FakeVm): Promise<void> {
  const qmp = await vm.open();
  await closeNbdServer(qmp, await readVmState(qmp));
}

describe('startNbdServer', () => {
  it('asks for a server first, and marks ours before it runs', async () => {
    const vm = new FakeVm();

    await start(vm, socket);

    expect(vm.log).toEqual([
      'blockdev-add 00p',
      'block-export-add 00p 00p 00p',
      'blockdev-del 00p',
      'blockdev-add 00n',
      'nbd-server-start',
    ]);
    expect(vm.exports.server).toEqual({
      addr: { type: 'unix', data: { path: '/run/sp/nbd.sock' } },
    });
  });

  it('asks an old QEMU by the command that it has', async () => {
    const vm = new FakeVm({ version: '5.1.0' });

    await start(vm, socket);

    expect(vm.sent('nbd-server-add')).toHaveLength(1);
    expect(vm.exports.server).toMatchObject({ addr: { type: 'unix' } });
    expect(vm.nodes.all).toEqual(['vd0-node', 'vd1-node', ourName(wednesday, 0, 'n')]);
  });

  it('lets clients in by their certificates only', async () => {
    const vm = new FakeVm();

    await start(vm, port);

    expect(vm.sent('object-add')).toEqual([
      {
        'qom-type': 'tls-creds-x509',
        id: ourName(wednesday, 0, 'x'),
        dir: '/etc/pki/qemu',
        endpoint: 'server',
        'verify-peer': true,
      },
    ]);
    expect(vm.exports.server).toEqual({
      addr: { type: 'inet', data: { host: '192.0.2.7', port: '10809' } },
      'tls-creds': ourName(wednesday, 0, 'x'),
    });
  });

  it('leaves the server of somebody else alone, with what it exports, and nothing of ours', async () => {
    const vm = new FakeVm();
    vm.exports.start(theirs);
    vm.exports.add(theirExport);

    await expect(start(vm, socket)).rejects.toBeInstanceOf(NbdServerBusyError);

    expect(vm.exports.server).toEqual(theirs);
    expect(vm.exports.all).toEqual([theirExport]);
    expect(vm.nodes.all).toEqual(['vd0-node', 'vd1-node']);
  });

  it('leaves nothing where QEMU cannot listen', async () => {
    const vm = new FakeVm();
    vm.exports.taken = true;

    await expect(start(vm, port)).rejects.toBeInstanceOf(NbdListenError);

    expect(vm.nodes.all).toEqual(['vd0-node', 'vd1-node']);
    expect([...vm.exports.objects]).toEqual([]);
  });
});

describe('closeNbdServer', () => {
  it('stops our server, also when it is called again', async () => {
    const vm = new FakeVm();
    await start(vm, port);
    vm.exports.add({ ...theirExport, id: ourName(wednesday, 0, 'e') });

    await close(vm);
    await close(vm);

    expect(vm.exports.server).toBeUndefined();
    expect([...vm.exports.objects]).toEqual([]);
    expect(vm.nodes.all).toEqual(['vd0-node', 'vd1-node']);
  });

  it('stops no server that nothing marks as ours', async () => {
    const vm = new FakeVm();
    vm.exports.start(theirs);
    vm.exports.add(theirExport);

    await close(vm);

    expect(vm.exports.server).toEqual(theirs);
    expect(vm.exports.all).toEqual([theirExport]);
  });

  it('wherever its predecessor died, what is ours goes and what is theirs stays', async () => {
    for (const version of ['7.2.22', '5.1.0'])
      for (const listen of [socket, port])
        for (const foreign of [false, true])
          for (let at = 0; at < 6; at++) {
            const vm = new FakeVm({ version });
            if (foreign) vm.exports.start(theirs);
            vm.endsAt = at;
            const died = await start(vm, listen).then(
              () => false,
              () => true,
            );
            vm.endsAt = undefined;

            await takeOut(await vm.open(), receiversInto(vm.log));

            expect(vm.exports.server, `${at}, ${died}`).toEqual(foreign ? theirs : undefined);
            expect(vm.nodes.all).toEqual(['vd0-node', 'vd1-node']);
            expect(vm.exports.all).toEqual([]);
            expect([...vm.exports.objects]).toEqual([]);
          }
  });
});

describe('addExport', () => {
  const one = { node: 'vd0-node', name: 'vd0', bitmap: 'changes' };
  const id = ourName(wednesday, 0, 'e');

  it('exports a node with its bitmap, and knows it again', async () => {
    for (const version of ['7.2.22', '5.1.0']) {
      const vm = new FakeVm({ version });
      await start(vm, socket);
      const qmp = await vm.open();

      await addExport(qmp, { id, ...one });

      expect(await ourExports(qmp)).toEqual([id]);
    }
  });

  it('of an old QEMU goes with the server, wherever its predecessor died', async () => {
    for (let at = 0; at < 3; at++) {
      const vm = new FakeVm({ version: '5.1.0' });
      await start(vm, socket);
      vm.endsAt = vm.log.length + at;
      await addExport(await vm.open(), { id, ...one }).catch(() => undefined);
      vm.endsAt = undefined;

      await removeExports(await vm.open());
      const qmp = await vm.open();

      expect(await ourExports(qmp)).toEqual([]);
      expect(vm.exports.server).toBeUndefined();
      expect(vm.nodes.all).toEqual(['vd0-node', 'vd1-node']);
    }
  });
});
