import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GuardError } from '../../../host/errors.ts';
import { writeStopLease } from '../../../host/stop-lease.ts';
import { QmpClient } from '../../../qemu/qmp/client.ts';
import { build, type Built } from '../built.ts';
import { eventually } from '../eventually.ts';
import { backupId, VmOnSockets } from '../vm-on-sockets.ts';

const soon = () => AbortSignal.timeout(20_000);

let built: Built;
beforeAll(async () => {
  built = await build();
});
afterAll(async () => built[Symbol.asyncDispose]());

describe('startGuard', () => {
  it('yields one guard for two calls of the same backup', async () => {
    await using vm = await VmOnSockets.make();

    const [one, other] = await Promise.all([
      vm.startGuard(built.guardCommand),
      vm.startGuard(built.guardCommand),
    ]);

    expect((await one.status()).pid).toBe((await other.status()).pid);
  });

  it('refuses a VM that the guard of another backup holds', async () => {
    await using vm = await VmOnSockets.make();
    await vm.startGuard(built.guardCommand);

    const starting = vm.startGuard(built.guardCommand, { backupId: '20261124T020502Z-aaaa' });

    await expect(starting).rejects.toThrow(GuardError);
  });

  it('starts a new guard when the lease of the one that lives is broken', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand, { shield: 'none' });
    await guard.arm();
    const { pid } = await guard.status();
    guard.close();
    await using broken = await vm.guard();
    await eventually(async () => (await broken.status()).phase === 'broken');

    const next = await vm.startGuard(built.guardCommand, { shield: 'none' });

    expect(await next.status()).toMatchObject({ phase: 'ready' });
    expect((await next.status()).pid).not.toBe(pid);
  });

  it('refuses a VM whose last lease is not settled', async () => {
    await using vm = await VmOnSockets.make();
    await writeStopLease(vm.paths, 'vm', backupId);

    await expect(vm.startGuard(built.guardCommand)).rejects.toThrow(/not settled/);
  });

  it('fails in bounded time, with the reason, when another client holds QMP', async () => {
    await using vm = await VmOnSockets.make();
    await using other = await QmpClient.connect(vm.config.qmp, soon());

    const failure = vm.startGuard(built.guardCommand);

    await expect(failure).rejects.toThrow(GuardError);
    await expect(failure).rejects.toThrow(/another client holds the socket/);
    expect(await vm.guardPid()).toBeUndefined();
    expect(other.closed).toBe(false);
  });

  it('fails when the command is none', async () => {
    await using vm = await VmOnSockets.make();
    const starting = vm.startGuard(['/nonexistent']);

    await expect(starting).rejects.toThrow(GuardError);
    await expect(starting).rejects.toThrow(/ENOENT/);
  });
});
