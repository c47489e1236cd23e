import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clearStopLease } from '../../../host/stop-lease.ts';
import { connectVm } from '../../../host/vm-socket.ts';
import { build, type Built } from '../built.ts';
import { eventually } from '../eventually.ts';
import { backupId, VmOnSockets } from '../vm-on-sockets.ts';

const soon = () => AbortSignal.timeout(20_000);

let built: Built;
beforeAll(async () => {
  built = await build();
});
afterAll(async () => built[Symbol.asyncDispose]());

describe('a guard', () => {
  it('holds freeze and pause until the instant is taken, and thaws then', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand);

    expect(await guard.freeze(5_000)).toEqual({ frozen: true, filesystems: 2 });
    expect(await guard.arm()).toEqual({ armed: true });
    expect(vm.agent.frozen).toBe(true);
    expect(await guard.taken()).toEqual({ held: true });

    const { frozenMs, held } = await guard.thaw(5_000);
    expect(vm.agent.frozen).toBe(false);
    expect(held).toBe(true);
    expect(frozenMs).toBeGreaterThan(0);
    expect(await vm.record()).toMatchObject({
      backupId,
      state: 'thawed',
      held: true,
      frozenMs,
    });
  });

  it('has its freeze on record from before it is sent until it is thawed', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand);
    vm.agent.hangsOn('guest-fsfreeze-freeze');

    const freezing = guard.freeze(20_000);
    await eventually(() => vm.agent.commands.includes('guest-fsfreeze-freeze'));

    expect(await vm.record()).toMatchObject({ backupId, state: 'freezing' });
    vm.agent.recover();
    expect(await freezing).toMatchObject({ frozen: true });
    await eventually(async () => (await vm.record())?.state === 'frozen');
  });

  it('goes when the instant is over and its clients have left, and QMP is free again', async () => {
    await using vm = await VmOnSockets.make();
    const { guard, qmp } = await vm.inTheInstant(built.guardCommand);
    await qmp.execute('cont', {});
    await clearStopLease(vm.paths, 'vm');
    await guard.taken();
    await guard.thaw(5_000);

    qmp.close();
    guard.close();

    await eventually(() => vm.guardIsGone());
    await using direct = await connectVm(vm.paths, 'vm', vm.config.qmp, soon());
    expect(await direct.execute('query-status', {})).toMatchObject({ status: 'running' });
  });

  it('continues the VM when the worker dies between its last word and its cont', async () => {
    await using vm = await VmOnSockets.make();
    const { guard, qmp } = await vm.inTheInstant(built.guardCommand);
    await guard.taken();

    qmp.close();
    guard.close();

    await eventually(() => vm.isFree());
    await eventually(() => vm.guardIsGone());
    expect(await vm.record()).toMatchObject({ state: 'thawed', held: true });
  });

  it('says to a late taker that the lease is broken', async () => {
    await using vm = await VmOnSockets.make();
    const first = await vm.startGuard(built.guardCommand, { shield: 'none' });
    await first.arm();
    first.close();
    await using late = await vm.guard();
    await eventually(async () => (await late.status()).phase === 'broken');

    expect(await late.arm()).toMatchObject({ armed: false, reason: expect.stringMatching('went') });
    expect(await late.taken()).toEqual({ held: false });
  });

  it('has one taker at a time', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand);
    await guard.arm();
    await using other = await vm.guard();

    expect(await other.arm()).toMatchObject({ armed: false });
    expect(await other.taken()).toEqual({ held: false });
    expect(await guard.taken()).toEqual({ held: true });
  });
});
