import { afterEach, describe, expect, it, vi } from 'vitest';
import { attachTarget, placeOf, proveTargets, targetNode } from '../../capture/block-nodes.ts';
import { TargetUnusableError } from '../../capture/errors.ts';
import { QmpCommandError, QmpTimeoutError } from '../../qemu/errors.ts';
import { Refusal, Silence } from './answering-qemu.ts';
import { FakeVm } from './fake-vm.ts';
import { diskPlan, places, receiversInto, samplePlan } from './sample.ts';

const { signal } = new AbortController();
const node = targetNode('sp-target', '/run/sp/0.sock', 0);

afterEach(() => void vi.useRealTimers());

async function attach(vm: FakeVm): Promise<unknown> {
  const context = { qmp: await vm.open(), receivers: receiversInto(vm.log) };
  return attachTarget(context, node).catch((error: unknown) => error);
}

describe('attachTarget', () => {
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

    await proveTargets({ qmp: await vm.open(), plan, places, receivers, signal });

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
