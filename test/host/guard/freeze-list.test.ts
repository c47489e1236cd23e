import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build, type Built } from '../built.ts';
import { VmOnSockets } from '../vm-on-sockets.ts';

const fileSystems = [
  { name: 'vda1', mountpoint: '/' },
  { name: 'vdb', mountpoint: '/data' },
];

let built: Built;
beforeAll(async () => {
  built = await build();
});
afterAll(async () => built[Symbol.asyncDispose]());

describe('a guard that is to freeze some mount points', () => {
  it('freezes those alone, and says what there was', async () => {
    await using vm = await VmOnSockets.make();
    vm.agent.fileSystems = fileSystems;
    const guard = await vm.startGuard(built.guardCommand, { freezeMountpoints: ['/data'] });

    const freeze = await guard.freeze(5_000);

    const known = ['/', '/data'];
    expect(freeze).toEqual({ frozen: true, filesystems: 1, asked: ['/data'], known });
    expect(vm.agent.frozenList).toEqual(['/data']);
    await guard.thaw(5_000);
    expect(vm.agent.frozen).toBe(false);
  });

  it('asks what there is before it freezes, and never after', async () => {
    await using vm = await VmOnSockets.make();
    vm.agent.fileSystems = fileSystems;
    const guard = await vm.startGuard(built.guardCommand);

    await guard.freeze(5_000);
    await guard.thaw(5_000);

    const asked = vm.agent.commands.indexOf('guest-get-fsinfo');
    expect(asked).toBe(vm.agent.commands.lastIndexOf('guest-get-fsinfo'));
    expect(asked).toBeLessThan(vm.agent.commands.indexOf('guest-fsfreeze-freeze'));
  });

  it('stays frozen, and says so, when one is missing', async () => {
    await using vm = await VmOnSockets.make();
    vm.agent.fileSystems = fileSystems;
    const guard = await vm.startGuard(built.guardCommand, { freezeMountpoints: ['/data', '/dta'] });

    const freeze = await guard.freeze(5_000);

    expect(freeze).toMatchObject({ frozen: true, shortfall: expect.stringMatching('/dta') });
    expect(vm.agent.frozen).toBe(true);
  });

  it('calls nothing frozen when none of them is there', async () => {
    await using vm = await VmOnSockets.make();
    vm.agent.fileSystems = fileSystems;
    const guard = await vm.startGuard(built.guardCommand, { freezeMountpoints: ['/dta'] });

    const freeze = await guard.freeze(5_000);

    expect(freeze).toMatchObject({
      frozen: false,
      trouble: expect.stringMatching('no file system'),
    });
  });

  it('freezes nothing, in bounded time, when the agent hangs on what it is asked before', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand, { maxFreezeSeconds: 1 });
    vm.agent.hangsOn('guest-get-fsinfo');

    const freeze = await guard.freeze(20_000);

    expect(freeze).toMatchObject({ frozen: false, trouble: expect.stringMatching('no answer') });
    // It still hangs, and nobody has to wait for it: nothing was sent that may have frozen the guest.
    expect(await guard.thaw(1_000)).toMatchObject({ frozenMs: 0, held: false });
    expect(vm.agent.commands).not.toContain('guest-fsfreeze-freeze');
  });

  it('freezes with all its time when the agent was slow to say what there is', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand, { maxFreezeSeconds: 1 });
    vm.agent.hangsOn('guest-get-fsinfo');
    setTimeout(() => vm.agent.recover(), 2_500);

    const freeze = await guard.freeze(20_000);

    expect(freeze).toEqual({ frozen: true, filesystems: 2 });
    await guard.thaw(5_000);
  });

  it('tells the error that its thaw was answered with', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand);
    await guard.freeze(5_000);
    vm.agent.failsToThaw = true;

    expect(await guard.thaw(5_000)).toMatchObject({ trouble: expect.stringMatching('timed out') });
    expect(await vm.record()).toMatchObject({ thawTrouble: expect.stringMatching('timed out') });
  });
});
