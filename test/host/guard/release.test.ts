import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasStopLease, writeStopLease } from '../../../host/stop-lease.ts';
import { QmpDisconnectedError } from '../../../qemu/errors.ts';
import { QmpClient } from '../../../qemu/qmp/client.ts';
import { build, type Built } from '../built.ts';
import { eventually } from '../eventually.ts';
import { startTaker } from '../start-taker.ts';
import { backupId, VmOnSockets } from '../vm-on-sockets.ts';

const soon = () => AbortSignal.timeout(20_000);

let built: Built;
beforeAll(async () => {
  built = await build('test/host/taker.ts');
});
afterAll(async () => built[Symbol.asyncDispose]());

describe('a guard that gives up', () => {
  it('frees the guest when the whole process group of its worker is killed', async () => {
    await using vm = await VmOnSockets.make();
    const taker = await startTaker(built, vm.config);
    expect([vm.agent.frozen, vm.qemu.status]).toEqual([true, 'paused']);

    process.kill(-taker.pid, 'SIGKILL');

    await eventually(() => vm.isFree());
    await eventually(() => vm.guardIsGone());
    expect(await vm.record()).toMatchObject({
      state: 'thawed',
      held: false,
      broken: 'the taker went before the instant was taken',
    });
  });

  it('frees the guest at the deadline when the worker hangs with the relay in its hands', async () => {
    await using vm = await VmOnSockets.make();
    Object.assign(vm.config, { maxFreezeSeconds: 3 });
    const taker = await startTaker(built, vm.config);

    process.kill(taker.pid, 'SIGSTOP');

    await eventually(() => vm.isFree());
    await eventually(() => vm.guardIsGone());
    process.kill(-taker.pid, 'SIGKILL');
    const record = await vm.record();
    expect(record).toMatchObject({ held: false, broken: 'the instant was not taken within 3 s' });
  });

  it('thaws at the deadline when nobody ever comes for the instant', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand, { maxFreezeSeconds: 1 });
    expect(await guard.freeze(5_000)).toMatchObject({ frozen: true });
    guard.close();

    await eventually(() => vm.isFree());
    await eventually(() => vm.guardIsGone());
  });

  it('frees the guest on SIGTERM and then goes, and is deaf to SIGINT and SIGHUP', async () => {
    await using vm = await VmOnSockets.make();
    const { guard } = await vm.inTheInstant(built.guardCommand);
    const { pid } = await guard.status();

    process.kill(pid, 'SIGINT');
    process.kill(pid, 'SIGHUP');
    await eventually(async () => /SIGHUP ignored/.test(await vm.guardLog()));
    expect(vm.agent.frozen).toBe(true);
    process.kill(pid, 'SIGTERM');

    await eventually(() => vm.isFree());
    await eventually(() => vm.guardIsGone());
  });

  it('lets no command of a taker through any more once it has given up', async () => {
    await using vm = await VmOnSockets.make();
    const { guard, qmp } = await vm.inTheInstant(built.guardCommand);

    guard.close();
    await eventually(() => vm.isFree());

    await expect(qmp.execute('stop', {})).rejects.toThrow(QmpDisconnectedError);
    expect(vm.qemu.commands.filter((command) => command === 'stop')).toHaveLength(1);
  });

  it('never continues a VM that its operator has paused', async () => {
    await using vm = await VmOnSockets.make();
    vm.qemu.status = 'paused';
    const guard = await vm.startGuard(built.guardCommand);
    expect(await guard.freeze(5_000)).toMatchObject({ frozen: false, trouble: 'the VM is paused' });
    await guard.arm();

    guard.close();

    await eventually(() => vm.guardIsGone());
    expect(vm.qemu.status).toBe('paused');
    expect(vm.qemu.commands).not.toContain('cont');
  });

  it('continues the VM over a new connection when QEMU ends the one it has', async () => {
    await using vm = await VmOnSockets.make();
    const { guard } = await vm.inTheInstant(built.guardCommand);

    vm.qemu.hangUp();
    guard.close();

    await eventually(() => vm.guardIsGone());
    expect(await vm.isFree()).toBe(true);
  });

  it('thaws although QEMU does not answer, and goes on asking until it does', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand);
    await guard.freeze(5_000);
    await guard.arm();
    await writeStopLease(vm.paths, 'vm', backupId);
    vm.qemu.muteTo.add('query-status');

    guard.close();
    await eventually(() => vm.qemu.commands.includes('query-status') && !vm.agent.frozen);
    expect(await hasStopLease(vm.paths, 'vm')).toBe(true);
    vm.qemu.muteTo.clear();

    await eventually(() => vm.isFree());
    await eventually(() => vm.guardIsGone());
  });

  it('gives the pause up too where nothing is frozen', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand);
    await guard.arm();
    await writeStopLease(vm.paths, 'vm', backupId);
    vm.qemu.status = 'paused';

    guard.close();

    await eventually(() => vm.isFree());
    await eventually(() => vm.guardIsGone());
    expect(await vm.record()).toMatchObject({ state: 'thawed', frozenMs: 0, held: false });
    expect(vm.agent.commands).toEqual([]);
  });

  it('continues the VM and gives QMP back although the agent does not answer, and thaws when it does', async () => {
    await using vm = await VmOnSockets.make();
    const { guard } = await vm.inTheInstant(built.guardCommand);
    vm.agent.hangsOn('guest-sync-delimited');

    guard.close();
    await eventually(() => vm.qemu.status === 'running');
    await using qmp = await QmpClient.connect(vm.config.qmp, soon());
    expect(await qmp.execute('query-status', {})).toMatchObject({ status: 'running' });
    await eventually(async () => /not thawed yet/.test(await vm.guardLog()));
    expect(vm.agent.frozen).toBe(true);
    expect(await vm.record()).toMatchObject({ state: 'thawing' });
    vm.agent.recover();

    await eventually(() => vm.isFree());
    await eventually(() => vm.guardIsGone());
  });
});
