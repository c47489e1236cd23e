import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeVmFolders } from '../../host/state-paths.ts';
import { connectVm, vmSocket } from '../../host/vm-socket.ts';
import { QmpBusyError, QmpConnectError } from '../../qemu/errors.ts';
import { build, type Built } from './built.ts';
import { serveOneByOne } from './unix-server.ts';
import { backupId, VmOnSockets } from './vm-on-sockets.ts';

const soon = () => AbortSignal.timeout(20_000);

let built: Built;
beforeAll(async () => {
  built = await build();
});
afterAll(async () => built[Symbol.asyncDispose]());

describe('vmSocket', () => {
  it('is the VM’s own without a guard, and the relay’s with one', async () => {
    await using vm = await VmOnSockets.make();
    expect(await vmSocket(vm.paths, 'vm', vm.config.qmp, soon())).toBe(vm.config.qmp);

    await vm.startGuard(built.guardCommand);

    const { relaySocket } = vm.paths.vm('vm');
    expect(await vmSocket(vm.paths, 'vm', vm.config.qmp, soon())).toBe(relaySocket);
  });

  it('is the VM’s own when the guard was killed and its sockets lie about', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand);
    process.kill((await guard.status()).pid, 'SIGKILL');

    await using qmp = await connectVm(vm.paths, 'vm', vm.config.qmp, soon());

    expect(await qmp.execute('query-status', {})).toMatchObject({ running: true });
  });
});

describe('connectVm', () => {
  it('comes through while the guard is about to go', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand);

    const [qmp, ended] = await Promise.all([
      connectVm(vm.paths, 'vm', vm.config.qmp, soon()),
      guard.end(10_000),
    ]);
    qmp.close();
    await using after = await connectVm(vm.paths, 'vm', vm.config.qmp, soon());

    expect(ended).toEqual({ thawed: true, freed: true });
    expect(await after.execute('query-status', {})).toMatchObject({ running: true });
  });

  it('finds the VM’s own socket when the guard goes before its relay is reached', async () => {
    await using vm = await VmOnSockets.make();
    const { guardSocket } = await makeVmFolders(vm.paths, 'vm');
    const about = { backupId, pid: 1, phase: 'taken' };
    let asked = 0;
    await using guard = await serveOneByOne(guardSocket, async (say, lines) => {
      for await (const line of lines) {
        const { id } = JSON.parse(line);
        say(`${JSON.stringify({ id, answer: { ...about, relays: ++asked === 1 } })}\n`);
      }
    });

    await using qmp = await connectVm(vm.paths, 'vm', vm.config.qmp, soon());

    expect(await qmp.execute('query-status', {})).toMatchObject({ running: true });
    expect(asked).toBe(2);
    guard.hangUp();
  });

  it('serves the next worker through the relay when the one before has gone', async () => {
    await using vm = await VmOnSockets.make();
    await vm.startGuard(built.guardCommand);
    const first = await connectVm(vm.paths, 'vm', vm.config.qmp, soon());

    const second = connectVm(vm.paths, 'vm', vm.config.qmp, soon());
    await first.execute('query-status', {});
    first.close();

    expect(await (await second).execute('query-status', {})).toMatchObject({ running: true });
  });

  it('says it when another client holds the VM’s socket', async () => {
    await using vm = await VmOnSockets.make();
    await using other = await connectVm(vm.paths, 'vm', vm.config.qmp, soon());

    await expect(connectVm(vm.paths, 'vm', vm.config.qmp, soon())).rejects.toThrow(QmpBusyError);
    expect(other.closed).toBe(false);
  });

  it('says it when there is no socket', async () => {
    await using vm = await VmOnSockets.make();

    const connecting = connectVm(vm.paths, 'vm', `${vm.folder}/none`, soon());

    await expect(connecting).rejects.toThrow(QmpConnectError);
  });
});
