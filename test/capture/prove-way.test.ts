import { describe, expect, it } from 'vitest';
import { TargetUnusableError } from '../../capture/errors.ts';
import { proveWay } from '../../capture/prove-way.ts';
import { ourName } from '../../model/names.ts';
import { Refusal } from './answering-qemu.ts';
import { FakeVm } from './fake-vm.ts';
import { places, exportSocket, receiversInto, samplePlan, wednesday } from './sample.ts';

const { signal } = new AbortController();
const plan = samplePlan();
const [target, zeroes] = [ourName(wednesday, 0, 'p'), ourName(wednesday, 1, 'p')] as const;

async function prove(vm: FakeVm): Promise<void> {
  const receivers = receiversInto(vm.log);
  await proveWay(
    { qmp: await vm.open(), plan, places, exportSocket, receivers, signal },
    '/run/sp/probe.sock',
  );
}

/** A VM in which a probe's job ends at once, with this error or none. */
function endingWith(error?: string): FakeVm {
  const vm = new FakeVm();
  const start = vm.jobs.start.bind(vm.jobs);
  vm.jobs.start = (job) => {
    start(job);
    vm.jobs.change(job['job-id'], {
      status: 'concluded',
      ...(error === undefined ? {} : { error }),
    });
  };
  return vm;
}

describe('proveWay', () => {
  it('has QEMU write to the target and read back from it, and leaves nothing', async () => {
    const vm = endingWith();

    await prove(vm);

    expect(vm.sent('blockdev-backup').map((job) => [job.device, job.target])).toEqual([
      [zeroes, target],
      [target, zeroes],
    ]);
    expect(vm.sent('blockdev-add')[0]).toMatchObject({
      driver: 'nbd',
      server: { path: '/run/sp/probe.sock' },
    });
    expect(vm.nodes.all).toEqual(['vd0-node', 'vd1-node']);
    expect(vm.jobs.all).toEqual([]);
  });

  it('says why QEMU could not write', async () => {
    const proving = prove(endingWith('No space left on device'));

    await expect(proving).rejects.toBeInstanceOf(TargetUnusableError);
    await expect(proving).rejects.toThrow('No space left on device');
  });

  it('says so when QEMU starts no job', async () => {
    const vm = new FakeVm();
    vm.before['blockdev-backup'] = () => {
      throw new Refusal('Permission denied');
    };

    await expect(prove(vm)).rejects.toBeInstanceOf(TargetUnusableError);
  });
});
