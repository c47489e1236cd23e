import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectVm } from '../../../host/vm-socket.ts';
import { ourName } from '../../../model/names.ts';
import { QmpDisconnectedError } from '../../../qemu/errors.ts';
import { build, type Built } from '../built.ts';
import { eventually } from '../eventually.ts';
import { backupId, VmOnSockets } from '../vm-on-sockets.ts';

const soon = () => AbortSignal.timeout(20_000);

let built: Built;
beforeAll(async () => {
  built = await build();
});
afterAll(async () => built[Symbol.asyncDispose]());

describe('a guard without a shield', () => {
  const job = ourName(backupId, 0, 'j');
  const direct = { shield: 'none', maxFreezeSeconds: 1 } as const;

  it('lives on after the instant until it is told to go', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand, direct);
    await guard.arm();
    await guard.taken();
    guard.close();

    await using later = await vm.guard();
    expect(await later.status()).toMatchObject({ phase: 'taken', relays: true });
    expect(await later.end(10_000)).toEqual({ thawed: true, freed: true });

    await eventually(() => vm.guardIsGone());
  });

  it('cancels our jobs and continues a VM that stands still because of them', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand, direct);
    await guard.arm();
    vm.qemu.jobs.push({ id: job, status: 'running' }, { id: 'foreign', status: 'running' });
    await guard.taken();

    vm.qemu.status = 'io-error';
    vm.qemu.emit('STOP');

    await eventually(() => vm.qemu.status === 'running');
    expect(vm.qemu.jobs).toEqual([
      { id: job, status: 'concluded' },
      { id: 'foreign', status: 'running' },
    ]);
    expect(await guard.status()).toMatchObject({
      phase: 'taken',
      broken: expect.stringMatching('io-error'),
    });
    const record = await eventually(async () => {
      const now = await vm.record();
      return now !== undefined && 'broken' in now ? now : false;
    });
    expect(record).toMatchObject({ held: true, broken: expect.stringMatching('io-error') });
  });

  const notOurs = [
    { title: 'without a job of ours', jobs: [{ id: 'foreign', status: 'running' }] },
    { title: 'after our copy is complete', jobs: [{ id: job, status: 'pending' }] },
  ];
  for (const { title, jobs } of notOurs) {
    it(`leaves a VM alone that stands still ${title}`, async () => {
      await using vm = await VmOnSockets.make();
      const guard = await vm.startGuard(built.guardCommand, direct);
      await guard.arm();
      await guard.taken();
      vm.qemu.jobs.push(...jobs);
      const looks = () => vm.qemu.commands.filter((command) => command === 'query-jobs').length;
      const before = looks();

      vm.qemu.status = 'io-error';
      vm.qemu.emit('STOP');

      await eventually(() => looks() > before + 1);
      expect(vm.qemu.commands).not.toContain('cont');
      expect(vm.qemu.commands).not.toContain('job-cancel');
    });
  }

  it('leaves a copy alone that is complete, when its receivers are ended', async () => {
    await using vm = await VmOnSockets.make();
    const disks = [{ index: 0, virtualBytes: 1024 ** 2 }];
    const guard = await vm.startGuard(built.guardCommand, { ...direct, disks });
    await guard.arm();
    vm.qemu.jobs.push({ id: job, status: 'pending' });
    await guard.taken();
    const looks = () => vm.qemu.commands.filter((command) => command === 'query-jobs').length;
    const before = looks();

    await eventually(() => looks() > before + 1);

    expect(vm.qemu.commands).not.toContain('job-cancel');
    expect(await guard.status()).toMatchObject({ phase: 'taken' });
  });

  it('leaves a VM alone at the release whose own disk has paused it', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand, direct);
    await guard.arm();
    vm.qemu.jobs.push({ id: job, status: 'pending' });
    vm.qemu.status = 'io-error';

    guard.close();

    await eventually(() => vm.qemu.jobs[0]?.status === 'concluded');
    expect(vm.qemu.status).toBe('io-error');
  });

  it('lets go of a taker that has lost its lease, and lets the next one in', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand, direct);
    await guard.arm();
    const taker = await connectVm(vm.paths, 'vm', vm.config.qmp, soon());

    guard.close();

    await eventually(() => taker.closed);
    await using later = await vm.guard();
    await eventually(async () => (await later.status()).relays);
    await using next = await connectVm(vm.paths, 'vm', vm.config.qmp, soon());
    expect(await next.execute('query-status', {})).toMatchObject({ running: true });
    await expect(taker.execute('stop', {})).rejects.toThrow(QmpDisconnectedError);
  });

  it('cancels our jobs when the taker goes before the instant', async () => {
    await using vm = await VmOnSockets.make();
    const guard = await vm.startGuard(built.guardCommand, direct);
    await guard.arm();
    vm.qemu.jobs.push({ id: job, status: 'running' });

    guard.close();

    await using later = await vm.guard();
    await eventually(async () => {
      const { phase, relays } = await later.status();
      return phase === 'broken' && relays;
    });
    expect(vm.qemu.jobs).toEqual([{ id: job, status: 'concluded' }]);
  });
});
