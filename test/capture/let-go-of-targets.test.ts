import { afterEach, describe, expect, it, vi } from 'vitest';
import { letGoOfTargets } from '../../capture/let-go-of-targets.ts';
import type { Receivers } from '../../capture/ports.ts';
import { readVmState } from '../../capture/vm-state.ts';
import { Silence } from './answering-qemu.ts';
import { FakeVm } from './fake-vm.ts';
import { MiB, receiversInto } from './sample.ts';
import { putDirectCopy, putTarget } from './scenes.ts';

afterEach(() => void vi.useRealTimers());

describe('letGoOfTargets', () => {
  it('touches nothing when no target is there', async () => {
    const vm = new FakeVm();
    const qmp = await vm.open();

    await letGoOfTargets(qmp, await readVmState(qmp), receiversInto(vm.log));

    expect(vm.log).toEqual([]);
  });

  it('asks for sinks that take the writes of the largest disk', async () => {
    const vm = new FakeVm();
    putTarget(vm, 1);
    const qmp = await vm.open();
    const asked: unknown[] = [];
    const receivers: Receivers = {
      probe: async () => {},
      end: async () => {},
      replace: async () => {},
      substituteDead: async (disks) => void asked.push(disks),
    };

    await letGoOfTargets(qmp, await readVmState(qmp), receivers);

    expect(asked).toEqual([[{ index: 1, virtualBytes: 64 * MiB }]]);
    expect(vm.nodes.of('nbd')).toEqual([]);
  });

  it('puts sinks in the place of receivers that let the monitor hang, and goes on', async () => {
    const vm = new FakeVm();
    putDirectCopy(vm, 0);
    const qmp = await vm.open();
    const state = await readVmState(qmp);
    vm.before['blockdev-del'] = () => {
      delete vm.before['blockdev-del'];
      throw new Silence();
    };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

    const letGo = letGoOfTargets(qmp, state, receiversInto(vm.log));
    await vi.waitFor(() => expect(vm.log).toContain('blockdev-del 00t'));
    await vi.advanceTimersByTimeAsync(3_000);
    await letGo;

    expect(vm.log).toEqual([
      'substitute dead 0',
      'job-cancel 00j',
      'job-dismiss 00j',
      'blockdev-del 00t',
      'end receivers',
      'substitute dead 0',
      'blockdev-del 00t',
    ]);
  });
});
