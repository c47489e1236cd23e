import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LeaseStuckError } from '../../host/errors.ts';
import { settleLease } from '../../host/lease.ts';
import { hasStopLease, writeStopLease } from '../../host/stop-lease.ts';
import { build, type Built } from './built.ts';
import { eventually } from './eventually.ts';
import { backupId, VmOnSockets } from './vm-on-sockets.ts';

const soon = () => AbortSignal.timeout(20_000);

let built: Built;
beforeAll(async () => {
  built = await build();
});
afterAll(async () => built[Symbol.asyncDispose]());

describe('settleLease', () => {
  const reach = (vm: VmOnSockets) => ({ qmp: vm.config.qmp, signal: soon() });

  it('thaws and continues what a killed guard has left', async () => {
    await using vm = await VmOnSockets.make();
    const { guard } = await vm.inTheInstant(built.guardCommand);
    process.kill((await guard.status()).pid, 'SIGKILL');
    await eventually(() => vm.guardIsGone());
    expect([vm.agent.frozen, vm.qemu.status]).toEqual([true, 'paused']);

    const settled = await settleLease(vm.paths, 'vm', reach(vm));

    expect(settled).toEqual({ guard: 'none', continued: true, thawed: true });
    expect(await vm.isFree()).toBe(true);
    expect(await settleLease(vm.paths, 'vm', reach(vm))).toEqual({
      guard: 'none',
      continued: false,
      thawed: false,
    });
  });

  it('lets a guard go that lives', async () => {
    await using vm = await VmOnSockets.make();
    await vm.inTheInstant(built.guardCommand);

    const settled = await settleLease(vm.paths, 'vm', reach(vm));

    expect(settled).toMatchObject({ guard: 'ended' });
    expect(await vm.isFree()).toBe(true);
  });

  it('kills a guard that hangs, and does its work', async () => {
    await using vm = await VmOnSockets.make();
    const { guard } = await vm.inTheInstant(built.guardCommand);
    process.kill((await guard.status()).pid, 'SIGSTOP');

    const settled = await settleLease(vm.paths, 'vm', reach(vm));

    expect(settled).toEqual({ guard: 'killed', continued: true, thawed: true });
    expect(await vm.isFree()).toBe(true);
  });

  it('says it loudly when the guest may be frozen and the agent is not there', async () => {
    await using vm = await VmOnSockets.make();
    const { guard } = await vm.inTheInstant(built.guardCommand);
    process.kill((await guard.status()).pid, 'SIGKILL');
    await vm.agent[Symbol.asyncDispose]();

    const settling = settleLease(vm.paths, 'vm', reach(vm));

    await expect(settling).rejects.toThrow(LeaseStuckError);
    await expect(settling).rejects.toThrow(/GUEST MAY BE FROZEN/);
    expect(vm.qemu.status).toBe('running');
    expect(await vm.record()).toMatchObject({ state: 'frozen' });
  });

  it('has nothing to thaw or continue when QEMU has gone', async () => {
    await using vm = await VmOnSockets.make();
    const { guard } = await vm.inTheInstant(built.guardCommand);
    process.kill((await guard.status()).pid, 'SIGKILL');
    await vm.agent[Symbol.asyncDispose]();
    await vm.qemu[Symbol.asyncDispose]();

    await settleLease(vm.paths, 'vm', reach(vm));

    expect(await vm.record()).toBeUndefined();
    expect(await hasStopLease(vm.paths, 'vm')).toBe(false);
  });

  it('continues a VM that a write failed by our copy has paused, when the guard died over it', async () => {
    await using vm = await VmOnSockets.make();
    vm.qemu.status = 'io-error';
    expect(await settleLease(vm.paths, 'vm', reach(vm))).toMatchObject({ continued: false });
    await writeStopLease(vm.paths, 'vm', backupId);

    const settled = await settleLease(vm.paths, 'vm', reach(vm));

    expect(settled).toMatchObject({ continued: true });
    expect(vm.qemu.status).toBe('running');
  });

  it('continues a VM that was reset while we had stopped it', async () => {
    await using vm = await VmOnSockets.make();
    await writeStopLease(vm.paths, 'vm', backupId);
    vm.qemu.status = 'prelaunch';
    vm.qemu.nodes.push(`sp-${backupId}-00s`);

    const settled = await settleLease(vm.paths, 'vm', reach(vm));

    expect(settled).toMatchObject({ continued: true });
    expect(vm.qemu.status).toBe('running');
  });

  it('leaves a VM paused that its operator has paused', async () => {
    await using vm = await VmOnSockets.make();
    vm.qemu.status = 'paused';

    await settleLease(vm.paths, 'vm', reach(vm));

    expect(vm.qemu.status).toBe('paused');
  });
});
