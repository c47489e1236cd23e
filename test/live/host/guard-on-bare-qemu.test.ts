import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settleLease } from '../../../host/lease.ts';
import { writeStopLease } from '../../../host/stop-lease.ts';
import { connectVm } from '../../../host/vm-socket.ts';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { QmpClient } from '../../../qemu/qmp/client.ts';
import { build, type Built } from '../../host/built.ts';
import { eventually } from '../../host/eventually.ts';
import { startTaker } from '../../host/start-taker.ts';
import { backupId, GuardedMachine } from './guarded-machine.ts';

const soon = () => AbortSignal.timeout(20_000);

let built: Built;
let machine: Machine;
beforeAll(async () => {
  built = await build('test/host/taker.ts');
  machine = await startQemu();
  await machine.labQmp.execute('cont', {});
});
afterAll(async () => {
  await machine?.[Symbol.asyncDispose]();
  await built?.[Symbol.asyncDispose]();
});

describe('a guard on a real QEMU', () => {
  it('continues the VM when the process group of its worker is killed in the pause', async () => {
    await using vm = await GuardedMachine.make(machine);
    const taker = await startTaker(built, vm.config);
    expect(await vm.runs()).toBe(false);

    process.kill(-taker.pid, 'SIGKILL');

    await eventually(() => vm.isContinued());
    await eventually(() => vm.guardIsGone());
  });

  it('continues the VM when the worker hangs in the pause, holding the relay', async () => {
    await using vm = await GuardedMachine.make(machine);
    Object.assign(vm.config, { maxFreezeSeconds: 3 });
    const taker = await startTaker(built, vm.config);

    process.kill(taker.pid, 'SIGSTOP');

    await eventually(() => vm.guardIsGone());
    process.kill(-taker.pid, 'SIGKILL');
    expect(await vm.isContinued()).toBe(true);
  });

  it('leaves a VM paused that its operator has paused', async () => {
    await using vm = await GuardedMachine.make(machine);
    await machine.labQmp.execute('stop', {});
    const guard = await vm.startGuard(built.guardCommand);
    await guard.arm();

    guard.close();

    await eventually(() => vm.guardIsGone());
    expect(await vm.runs()).toBe(false);
    await machine.labQmp.execute('cont', {});
  });

  it('settles what a killed guard has left', async () => {
    await using vm = await GuardedMachine.make(machine);
    const guard = await vm.startGuard(built.guardCommand);
    await guard.arm();
    const qmp = await connectVm(vm.paths, 'vm', vm.config.qmp, soon());
    await writeStopLease(vm.paths, 'vm', backupId);
    await qmp.execute('stop', {});
    process.kill((await guard.status()).pid, 'SIGKILL');
    await eventually(() => vm.guardIsGone());
    expect(await vm.runs()).toBe(false);

    await settleLease(vm.paths, 'vm', { qmp: vm.config.qmp, signal: soon() });

    expect(await vm.isContinued()).toBe(true);
  });

  it('gives QMP back when it goes', async () => {
    await using vm = await GuardedMachine.make(machine);
    const guard = await vm.startGuard(built.guardCommand);
    await using through = await connectVm(vm.paths, 'vm', vm.config.qmp, soon());
    expect(through.version.major).toBeGreaterThan(0);

    await guard.end(10_000);

    await using direct = await QmpClient.connect(vm.config.qmp, soon());
    expect(direct.version).toEqual(through.version);
  });

  it('has QEMU run all that a worker sent in one go before its socket closed', async () => {
    await using vm = await GuardedMachine.make(machine);
    await vm.startGuard(built.guardCommand);
    const events: string[] = [];
    const unlisten = machine.labQmp.listen(({ event }) => void events.push(event));
    const commands = ['qmp_capabilities', 'stop', 'query-block', 'query-named-block-nodes', 'cont'];
    const text = commands.map((execute, id) => `${JSON.stringify({ execute, id })}\n`).join('');
    const rounds = 20;

    for (let round = 0; round < rounds; round++) {
      const socket = connect(vm.paths.vm('vm').relaySocket);
      await once(socket, 'data');
      socket.end(text);
      socket.resume();
      await once(socket, 'close');
      const resumes = () => events.filter((event) => event === 'RESUME').length;
      await eventually(() => resumes() === round + 1);
    }
    unlisten();

    expect(events).toEqual(Array.from({ length: rounds }, () => ['STOP', 'RESUME']).flat());
  });
});
