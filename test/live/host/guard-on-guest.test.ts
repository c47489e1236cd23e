import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFreezeRecord } from '../../../host/freeze-record.ts';
import { settleLease } from '../../../host/lease.ts';
import { clearStopLease, writeStopLease } from '../../../host/stop-lease.ts';
import { connectVm } from '../../../host/vm-socket.ts';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { build, type Built } from '../../host/built.ts';
import { eventually } from '../../host/eventually.ts';
import { startTaker } from '../../host/start-taker.ts';
import { backupId, GuardedMachine } from './guarded-machine.ts';

const soon = () => AbortSignal.timeout(60_000);
const freezeMs = 30_000;

let built: Built;
let machine: Machine;
beforeAll(async () => {
  built = await build('test/host/taker.ts');
  machine = await startQemu({ guest: {} });
});
afterAll(async () => {
  await machine?.[Symbol.asyncDispose]();
  await built?.[Symbol.asyncDispose]();
});

describe('a guard on a booted guest', () => {
  it('holds the guest’s writes until the instant is taken', async () => {
    await using vm = await GuardedMachine.make(machine);
    const guard = await vm.startGuard(built.guardCommand);
    expect(await guard.freeze(freezeMs)).toMatchObject({ frozen: true, filesystems: 1 });
    await guard.arm();
    const qmp = await connectVm(vm.paths, 'vm', vm.config.qmp, soon());
    let written = false;
    const write = vm.canWrite(60_000).finally(() => (written = true));
    await eventually(() => vm.aWriteWaits());

    await writeStopLease(vm.paths, 'vm', backupId);
    await qmp.execute('stop', {});
    await qmp.execute('cont', {});
    expect(written).toBe(false);
    expect(await guard.taken()).toEqual({ held: true });
    await clearStopLease(vm.paths, 'vm');

    const { frozenMs, held } = await guard.thaw(freezeMs);
    await write;
    expect(held).toBe(true);
    expect(frozenMs).toBeGreaterThan(0);
    qmp.close();
    guard.close();
    await eventually(() => vm.guardIsGone());
  });

  it('thaws and continues when the process group of its worker is killed', async () => {
    await using vm = await GuardedMachine.make(machine);
    const taker = await startTaker(built, vm.config);
    expect(await readFreezeRecord(vm.paths, 'vm')).toMatchObject({ state: 'frozen' });

    process.kill(-taker.pid, 'SIGKILL');

    await eventually(() => vm.isContinued());
    expect(await vm.canWrite()).toBe(true);
    await eventually(() => vm.guardIsGone());
    expect(await readFreezeRecord(vm.paths, 'vm')).toMatchObject({ state: 'thawed', held: false });
  });

  it('is thawed by whoever comes next when the guard itself is killed', async () => {
    await using vm = await GuardedMachine.make(machine);
    const guard = await vm.startGuard(built.guardCommand);
    await guard.freeze(freezeMs);
    process.kill((await guard.status()).pid, 'SIGKILL');
    await eventually(() => vm.guardIsGone());
    const agent = machine.agentSocket;

    const settled = await settleLease(vm.paths, 'vm', {
      qmp: vm.config.qmp,
      agent,
      signal: soon(),
    });

    expect(settled).toMatchObject({ thawed: true });
    expect(await vm.canWrite()).toBe(true);
  });

  it('thaws when an agent that hung in the freeze goes on', async () => {
    await using vm = await GuardedMachine.make(machine);
    const guard = await vm.startGuard(built.guardCommand, { maxFreezeSeconds: 2 });
    expect(await guard.freeze(freezeMs)).toMatchObject({ frozen: true });
    await machine.guest.run('kill -STOP $(pidof qemu-ga)');

    await eventually(async () => (await guard.status()).phase === 'broken');
    expect(await vm.guardIsGone()).toBe(false);
    await machine.guest.run('kill -CONT $(pidof qemu-ga)');

    expect(await vm.canWrite()).toBe(true);
    await eventually(() => vm.guardIsGone());
    expect(await readFreezeRecord(vm.paths, 'vm')).toMatchObject({
      state: 'thawed',
      held: false,
      broken: 'the instant was not taken within 2 s',
    });
  });

  it('says that nothing is frozen when the agent does not answer, and freezes nothing later', async () => {
    await using vm = await GuardedMachine.make(machine);
    const guard = await vm.startGuard(built.guardCommand);
    await machine.guest.run('kill -STOP $(pidof qemu-ga)');

    const freeze = await guard.freeze(freezeMs);
    expect(freeze).toMatchObject({ frozen: false, trouble: expect.stringMatching('no answer') });
    await machine.guest.run('kill -CONT $(pidof qemu-ga)');
    await guard.end(10_000);

    expect(await vm.canWrite()).toBe(true);
    expect(await readFreezeRecord(vm.paths, 'vm')).toBeUndefined();
  });
});
