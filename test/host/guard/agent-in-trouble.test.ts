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
