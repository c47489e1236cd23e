import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build, type Built } from '../built.ts';
import { eventually } from '../eventually.ts';
import { VmOnSockets } from '../vm-on-sockets.ts';

let built: Built;
beforeAll(async () => {
  built = await build();
});
afterAll(async () => built[Symbol.asyncDispose]());

describe('a guard whose agent is in trouble', () => {
  it('gives a freeze up that is not answered in time, and thaws when the agent is back', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand, { maxFreezeSeconds: 1 });
    vm.agent.hangsOn('guest-fsfreeze-freeze');

    const freeze = await guard.freeze(20_000);
    expect(freeze).toMatchObject({ frozen: false, trouble: expect.stringMatching('no answer') });
    expect(vm.agent.frozen).toBe(true);
    vm.agent.recover();

    const { held } = await guard.thaw(20_000);
    expect(held).toBe(false);
    expect(vm.agent.frozen).toBe(false);
    expect(await vm.record()).toMatchObject({ state: 'thawed', held: false });
    expect(await guard.arm()).toEqual({ armed: true });
  });

  it('thaws what an agent has frozen before it failed', async () => {
    await using vm = await VmOnSockets.make();
    vm.agent.failsToFreeze = true;
    const guard = await vm.startGuard(built.guardCommand);

    const freeze = await guard.freeze(5_000);

    expect(freeze).toMatchObject({
      frozen: false,
      trouble: expect.stringMatching('cannot freeze'),
    });
    await eventually(() => !vm.agent.frozen);
    await guard.thaw(5_000);
    vm.agent.failsToFreeze = false;
    expect(await guard.freeze(5_000)).toMatchObject({ frozen: true });
  });

  it('thaws again when the guest is frozen after a thaw', async () => {
    await using vm = await VmOnSockets.make();
    vm.agent.thawsInVain = 2;
    const guard = await vm.startGuard(built.guardCommand);
    await guard.freeze(5_000);

    await guard.thaw(20_000);

    expect(vm.agent.frozen).toBe(false);
    expect(vm.agent.commands.filter((command) => command.endsWith('thaw'))).toHaveLength(3);
  });

  it('does not say that a freeze held which was gone before it thawed', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand);
    await guard.freeze(5_000);
    await guard.arm();
    // Somebody in the guest, or its own limit to a freeze.
    vm.agent.frozen = false;

    expect(await guard.taken()).toEqual({ held: true });

    expect(await guard.thaw(5_000)).toMatchObject({ held: false });
    expect(await vm.record()).toMatchObject({ state: 'thawed', held: false });
  });

  it('believes an agent’s state when what it answers to the thaw is an error', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand);
    await guard.freeze(5_000);
    await guard.arm();
    vm.agent.failsToThaw = true;

    await guard.taken();

    expect(await guard.thaw(5_000)).toMatchObject({ held: false });
    expect(vm.agent.frozen).toBe(false);
  });

  it('freezes nothing when that cannot be written down', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand);
    await mkdir(`${vm.paths.vm('vm').freeze}.tmp`);

    const freeze = await guard.freeze(5_000);

    expect(freeze.frozen).toBe(false);
    expect(vm.agent.commands).not.toContain('guest-fsfreeze-freeze');
  });

  it('reads past what is no answer', async () => {
    await using vm = await VmOnSockets.make();
    vm.agent.garbage = '}} nonsense\n{"return": 7\n';
    const guard = await vm.startGuard(built.guardCommand);

    expect(await guard.freeze(5_000)).toEqual({ frozen: true, filesystems: 2 });
    expect(await guard.thaw(5_000)).toMatchObject({ held: false });
    expect(vm.agent.frozen).toBe(false);
  });

  it('leaves a freeze alone that is somebody else’s', async () => {
    await using vm = await VmOnSockets.make();
    vm.agent.frozen = true;
    const guard = await vm.startGuard(built.guardCommand);

    const freeze = await guard.freeze(5_000);
    await guard.end(10_000);

    expect(freeze).toMatchObject({
      frozen: false,
      trouble: expect.stringMatching('somebody else'),
    });
    expect(vm.agent.commands).not.toContain('guest-fsfreeze-thaw');
    expect(await vm.record()).toBeUndefined();
  });

  it('says what is missing when there is no agent', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand, { agent: `${vm.folder}/none` });

    const freeze = await guard.freeze(5_000);

    expect(freeze).toMatchObject({ frozen: false, trouble: expect.stringMatching('ENOENT') });
    expect(await guard.arm()).toEqual({ armed: true });
  });
});

describe('a guard whose guest is reset', () => {
  it('has nothing to thaw, and takes no instant for a quiesced one', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand);
    await guard.freeze(5_000);
    await guard.arm();
    // Nobody answers any more: what boots has no agent.
    vm.agent.hangsOn('guest-fsfreeze-thaw', 'guest-fsfreeze-status');

    vm.qemu.emit('RESET');

    await eventually(() => vm.guardIsGone());
    expect(await vm.record()).toMatchObject({
      state: 'thawed',
      held: false,
      broken: 'the guest was reset while it was frozen',
    });
    expect(vm.agent.commands).not.toContain('guest-fsfreeze-thaw');
  });

  it('thaws what is booted, when the freeze had not been answered', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand);
    vm.agent.hangsOn('guest-fsfreeze-freeze');
    const freezing = guard.freeze(20_000);
    await eventually(() => vm.agent.frozen);

    vm.qemu.emit('RESET');
    expect(await freezing).toMatchObject({ frozen: false });
    expect(await vm.record()).not.toMatchObject({ state: 'thawed' });
    vm.agent.recover();

    await eventually(() => !vm.agent.frozen);
    await eventually(() => vm.guardIsGone());
    expect(await vm.record()).toMatchObject({ state: 'thawed', held: false });
  });

  it('goes on when nothing was frozen, or the instant is over', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand);
    vm.qemu.emit('RESET');
    expect(await guard.freeze(5_000)).toMatchObject({ frozen: true });
    await guard.arm();
    expect(await guard.taken()).toEqual({ held: true });

    vm.qemu.emit('RESET');

    expect(await guard.thaw(5_000)).toMatchObject({ held: true });
  });
});
