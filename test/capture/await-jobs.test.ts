import { describe, expect, it } from 'vitest';
import { jobsReach, ourJobs } from '../../capture/await-jobs.ts';
import { cancelJobs } from '../../capture/cancel-jobs.ts';
import { ourName } from '../../model/names.ts';
import { QmpDisconnectedError } from '../../qemu/errors.ts';
import { FakeVm } from './fake-vm.ts';
import { tuesday, wednesday } from './sample.ts';

const ofNow = ourName(wednesday, 0, 'j');
const ofBefore = ourName(tuesday, 0, 'k');
const longMs = 3_600_000;

function withJobs(): FakeVm {
  const vm = new FakeVm();
  for (const id of [ofNow, ofBefore, 'their-job']) vm.jobs.put(id);
  return vm;
}

describe('ourJobs', () => {
  it('shows the jobs of ours at once, of whatever backup', async () => {
    const vm = withJobs();
    const options = { everyMs: longMs, signal: new AbortController().signal };

    for await (const jobs of ourJobs(await vm.open(), options)) {
      expect(jobs.map(({ id }) => id)).toEqual([ofNow, ofBefore]);
      break;
    }
  });

  it('shows them again after each change, also one while nobody was waiting', async () => {
    const vm = withJobs();
    const seen: string[] = [];
    const options = { everyMs: longMs, signal: new AbortController().signal };
    const states = ['pending', 'concluded'];

    for await (const jobs of ourJobs(await vm.open(), options)) {
      seen.push(jobs[0]?.status ?? '');
      const status = states.shift();
      if (status === undefined) break;
      vm.jobs.change(ofNow, { status });
    }

    expect(seen).toEqual(['running', 'pending', 'concluded']);
  });

  it('wakes up for no other event', async () => {
    const vm = withJobs();
    const signal = AbortSignal.timeout(100);
    let looks = 0;

    const watching = async () => {
      for await (const _ of ourJobs(await vm.open(), { everyMs: longMs, signal })) {
        looks++;
        if (looks === 1) vm.emit('BLOCK_JOB_READY');
      }
    };

    await expect(watching()).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(looks).toBe(1);
  });

  it('ends with the connection', async () => {
    const vm = withJobs();
    const qmp = await vm.open();
    const options = { everyMs: 1, signal: new AbortController().signal };

    const watching = async () => {
      for await (const _ of ourJobs(qmp, options)) qmp.close();
    };

    await expect(watching()).rejects.toBeInstanceOf(QmpDisconnectedError);
  });
});

describe('jobsReach', () => {
  it('says yes when none of ours is left', async () => {
    const vm = new FakeVm();
    vm.jobs.put('their-job');

    expect(await jobsReach(await vm.open(), () => false, longMs)).toBe(true);
  });

  it('says no when they have not come there in time', async () => {
    const vm = withJobs();

    expect(await jobsReach(await vm.open(), () => false, 50)).toBe(false);
  });

  it('does not take a lost connection for lost time', async () => {
    const qmp = await withJobs().open();
    qmp.close();

    await expect(jobsReach(qmp, () => true, 50)).rejects.toBeInstanceOf(QmpDisconnectedError);
  });
});

describe('cancelJobs', () => {
  it('cancels and dismisses the jobs of ours, and leaves those of others', async () => {
    const vm = withJobs();

    await cancelJobs(await vm.open());

    expect(vm.jobs.all.map(({ id }) => id)).toEqual(['their-job']);
  });

  it('leaves a job that hangs on its target for later', async () => {
    const vm = withJobs();
    vm.jobs.change(ofNow, { hangs: true });

    await cancelJobs(await vm.open());

    expect(vm.jobs.all.map(({ id }) => id)).toEqual([ofNow, 'their-job']);
  });
});
