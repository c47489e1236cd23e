import { afterEach, describe, expect, it, vi } from 'vitest';
import { attachTarget, placeOf, proveTargets } from '../../capture/block-nodes.ts';
import { TargetUnusableError } from '../../capture/errors.ts';
import type { Receivers } from '../../capture/ports.ts';
import { QmpCommandError, QmpTimeoutError, ReceiverError } from '../../qemu/errors.ts';
import { Refusal, Silence } from './answering-qemu.ts';
import { FakeVm } from './fake-vm.ts';
import { diskPlan, places, exportSocket, receiversInto, samplePlan } from './sample.ts';

const { signal } = new AbortController();
const target = { name: 'sp-target', socket: '/run/sp/0.sock', reconnectSeconds: 0 };

afterEach(() => void vi.useRealTimers());

async function attach(vm: FakeVm, answer: Partial<Receivers> = {}): Promise<unknown> {
  const context = { qmp: await vm.open(), receivers: { ...receiversInto(vm.log), ...answer } };
  return attachTarget(context, target).catch((error: unknown) => error);
}

describe('attachTarget', () => {
  it('does not have QEMU connect to a receiver that does not answer', async () => {
    const vm = new FakeVm();
    const mute = new ReceiverError('/run/sp/0.sock: mute');

    const error = await attach(vm, { probe: async () => Promise.reject(mute) });

    expect(error).toBeInstanceOf(TargetUnusableError);
    expect(error).toMatchObject({ cause: mute });
    expect(vm.log).toEqual([]);
  });

  it('ends the receivers when one of them keeps the monitor', async () => {
    const vm = new FakeVm();
    vm.before['blockdev-add'] = () => {
      throw new Silence();
    };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

    const attaching = attach(vm);
    await vi.waitFor(() => expect(vm.log).toEqual(['blockdev-add sp-target']));
    await vi.advanceTimersByTimeAsync(3_000);

    const error = await attaching;
    expect(error).toBeInstanceOf(TargetUnusableError);
    expect(error).toMatchObject({ cause: expect.any(QmpTimeoutError) });
    expect(vm.log.at(-1)).toBe('end receivers');
  });

  it('leaves the receivers alone when QEMU refuses, and asks for what may be wrong', async () => {
    const vm = new FakeVm();
    vm.before['blockdev-add'] = () => {
      throw new Refusal('Failed to connect: Permission denied');
    };

    const error = await attach(vm);

    expect(error).toBeInstanceOf(TargetUnusableError);
    expect(error).toMatchObject({ cause: expect.any(QmpCommandError) });
    expect(String(error)).toContain('may the user that QEMU runs as open its socket?');
    expect(vm.log).not.toContain('end receivers');
  });
});

describe('proveTargets', () => {
  it('attaches and detaches each, so that none is there at the instant', async () => {
    const vm = new FakeVm();
    const plan = samplePlan({ disks: [diskPlan(0), diskPlan(1)] });
    const receivers = receiversInto(vm.log);

    await proveTargets({ qmp: await vm.open(), plan, places, exportSocket, receivers, signal });

    expect(vm.log).toEqual([
      'blockdev-add 00t',
      'blockdev-del 00t',
      'blockdev-add 01t',
      'blockdev-del 01t',
    ]);
  });
});

describe('placeOf', () => {
  it('is known for each disk of the plan, and for no other', () => {
    expect(placeOf(places, 1).targetSocket).toBe('/run/sp/1.sock');
    expect(() => placeOf(places, 2)).toThrow(RangeError);
  });
});
