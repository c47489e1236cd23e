import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { InstantVoidError } from '../../capture/errors.ts';
import type { StopLease } from '../../capture/ports.ts';
import { whileStopped } from '../../capture/while-stopped.ts';
import { QmpCommandError } from '../../qemu/errors.ts';
import { settled } from '../qemu/qmp/fake-qemu.ts';
import { Refusal } from './answering-qemu.ts';
import { FakeVm } from './fake-vm.ts';
import { leaseInto } from './sample.ts';

type Steps = () => Promise<void>;
const nothing: Steps = async () => {};

/** Runs them on `vm`, and writes them into its log. */
async function run(vm: FakeVm, given: { before?: Steps; steps?: Steps; lease?: StopLease } = {}) {
  const { before = nothing, steps = nothing, lease = leaseInto(vm.log) } = given;
  const qmp = await vm.open();
  return whileStopped(
    qmp,
    lease,
    async () => {
      vm.log.push('before');
      await before();
    },
    async () => {
      vm.log.push('steps');
      await steps();
      // An event that was sent is heard before the next answer.
      await qmp.execute('query-status', {});
    },
  );
}

describe('whileStopped, with a VM that runs', () => {
  it('writes the lease before it stops the VM, and clears it when the VM runs again', async () => {
    const vm = new FakeVm();

    await run(vm);

    expect(vm.log).toEqual(['write lease', 'before', 'stop', 'steps', 'cont', 'clear lease']);
    expect(vm.status).toBe('running');
  });

  it('stops the VM only when the lease is on disk and the flush is through', async () => {
    const vm = new FakeVm();
    const lease = leaseInto(vm.log);
    const slow = async (what: string) => {
      await settled();
      vm.log.push(what);
    };

    await run(vm, {
      before: () => slow('flushed'),
      lease: { ...lease, write: () => slow('lease written') },
    });

    const before = vm.log.slice(0, vm.log.indexOf('stop'));
    expect(before).toEqual(expect.arrayContaining(['lease written', 'flushed']));
  });

  it('says when the instant was, and how long the guest stood still', async () => {
    const start = Date.now();

    const taken = await run(new FakeVm(), { steps: () => delay(20) });

    expect(Date.parse(taken.takenAt)).toBeGreaterThanOrEqual(start);
    expect(Date.parse(taken.takenAt)).toBeLessThanOrEqual(Date.now());
    expect(taken.pausedMs).toBeGreaterThan(10);
  });

  it('lets the VM run on when a step fails', async () => {
    const vm = new FakeVm();
    const steps = () => Promise.reject(new Error('no filter'));

    await expect(run(vm, { steps })).rejects.toThrow('no filter');

    expect(vm.log.slice(-2)).toEqual(['cont', 'clear lease']);
  });

  it('lets the VM run on when nobody knows whether it was stopped', async () => {
    const vm = new FakeVm();
    vm.before.stop = () => {
      throw new Refusal('stop failed');
    };

    await expect(run(vm)).rejects.toBeInstanceOf(QmpCommandError);

    expect(vm.log).toEqual(['write lease', 'before', 'stop', 'cont', 'clear lease']);
  });

  it('leaves the lease, and with it the order to continue, when the VM cannot be continued', async () => {
    const vm = new FakeVm();
    vm.before.cont = () => {
      throw new Refusal('not now');
    };

    await expect(run(vm)).rejects.toBeInstanceOf(QmpCommandError);

    expect(vm.log).not.toContain('clear lease');
  });

  it('calls the instant void when somebody continued the VM', async () => {
    const vm = new FakeVm();
    const steps = async () => vm.become('running');

    await expect(run(vm, { steps })).rejects.toBeInstanceOf(InstantVoidError);

    expect(vm.log.at(-1)).toBe('clear lease');
  });

  it('calls it void also when somebody has stopped the VM again', async () => {
    const vm = new FakeVm();
    const steps = async () => {
      vm.become('running');
      vm.become('paused');
    };

    await expect(run(vm, { steps })).rejects.toBeInstanceOf(InstantVoidError);
  });

  it('clears the lease when it does not come to the stop', async () => {
    const vm = new FakeVm();
    const before = () => Promise.reject(new Error('no flush'));

    await expect(run(vm, { before })).rejects.toThrow('no flush');

    expect(vm.log).toEqual(['write lease', 'before', 'clear lease']);
  });

  it('does not mind that somebody continued the VM before', async () => {
    const vm = new FakeVm();
    const before = async () => vm.emit('RESUME');

    await run(vm, { before });

    expect(vm.status).toBe('running');
  });

  it('leaves to its operator a VM that was stopped just before', async () => {
    const vm = new FakeVm();
    const before = async () => {
      vm.status = 'paused';
      vm.emit('STOP', Date.now() - 2);
    };

    const taken = await run(vm, { before });

    expect(vm.log).not.toContain('cont');
    expect(vm.status).toBe('paused');
    expect(taken.pausedMs).toBe(0);
  });

  it('does not take an old STOP for its own', async () => {
    const vm = new FakeVm();
    vm.before.stop = () => {
      vm.emit('STOP', Date.now() - 60_000);
      vm.status = 'paused';
    };

    await run(vm);

    expect(vm.log).not.toContain('cont');
  });
});

describe('whileStopped, with a VM that its operator has paused', () => {
  it('leaves it paused, and writes no lease', async () => {
    const vm = new FakeVm();
    vm.status = 'paused';

    const taken = await run(vm);

    expect(vm.log).toEqual(['before', 'stop', 'steps', 'clear lease']);
    expect(vm.status).toBe('paused');
    expect(taken.pausedMs).toBe(0);
  });

  it('leaves it paused when a step fails', async () => {
    const vm = new FakeVm();
    vm.status = 'paused';
    const steps = () => Promise.reject(new Error('no filter'));

    await expect(run(vm, { steps })).rejects.toThrow('no filter');

    expect(vm.log).not.toContain('cont');
  });

  it('calls the instant void when the operator continues it meanwhile', async () => {
    const vm = new FakeVm();
    vm.status = 'paused';
    const steps = async () => vm.become('running');

    await expect(run(vm, { steps })).rejects.toBeInstanceOf(InstantVoidError);

    expect(vm.log).not.toContain('cont');
  });
});
