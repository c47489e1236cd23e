import { describe, expect, it } from 'vitest';
import { commitCopy } from '../../capture/commit.ts';
import { NotFreedError } from '../../capture/errors.ts';
import { ourName, temporaryBitmapName } from '../../model/names.ts';
import { FakeVm } from './fake-vm.ts';
import { receiversInto, wednesday } from './sample.ts';
import { putDirectCopy, putFleecingCopy } from './scenes.ts';

const nameOf = (index: number, role: 'j' | 'k') => ourName(wednesday, index, role);

/** A copy that is complete: every job waits for its end. */
function complete(scene: typeof putFleecingCopy): FakeVm {
  const vm = new FakeVm();
  scene(vm, 0, 1);
  for (const { id } of vm.jobs.all) vm.jobs.change(id, { status: 'pending' });
  return vm;
}

async function commit(vm: FakeVm): Promise<void> {
  await commitCopy(await vm.open(), receiversInto(vm.log));
}

describe('commitCopy', () => {
  it('ends the receivers of a shielded copy before its jobs', async () => {
    const vm = complete(putFleecingCopy);

    await commit(vm);

    expect(vm.log.slice(0, 5)).toEqual([
      'end receivers',
      'job-finalize 00j',
      'job-finalize 01j',
      'job-dismiss 00j',
      'job-dismiss 01j',
    ]);
  });

  it('ends the jobs of an unshielded copy before its receivers', async () => {
    const vm = complete(putDirectCopy);

    await commit(vm);

    expect(vm.log.slice(0, 8)).toEqual([
      'job-finalize 00j',
      'job-finalize 01j',
      'substitute dead 0, 1',
      'job-dismiss 00j',
      'job-dismiss 01j',
      'blockdev-del 00t',
      'blockdev-del 01t',
      'end receivers',
    ]);
  });

  for (const scene of [putFleecingCopy, putDirectCopy])
    it(`leaves nothing but disks and segments after ${scene.name}`, async () => {
      const vm = complete(scene);

      await commit(vm);

      expect(vm.nodes.all).toEqual(['vd0-node', 'vd1-node']);
      expect(vm.jobs.all).toEqual([]);
      expect(vm.bitmaps.on('vd0-node').map(({ name }) => name)).not.toContain(
        temporaryBitmapName(wednesday, 0),
      );
    });

  it('cancels no job that is complete', async () => {
    const vm = complete(putFleecingCopy);

    await commit(vm);

    expect(vm.sent('job-cancel')).toEqual([]);
  });

  it('finalizes the second pass, when the first has concluded', async () => {
    const vm = new FakeVm();
    putFleecingCopy(vm, 0);
    vm.jobs.change(nameOf(0, 'j'), { status: 'concluded' });
    vm.jobs.put(nameOf(0, 'k'), { status: 'pending' });

    await commit(vm);

    expect(vm.sent('job-finalize')).toEqual([{ id: nameOf(0, 'k') }]);
    expect(vm.jobs.all).toEqual([]);
  });

  it('touches no job of others', async () => {
    const vm = complete(putFleecingCopy);
    vm.jobs.put('their-job', { status: 'pending' });

    await commit(vm);

    expect(vm.jobs.all.map(({ id, status }) => [id, status])).toEqual([['their-job', 'pending']]);
  });

  it('is finished by the next attempt, at whatever command it dies', async () => {
    for (const scene of [putFleecingCopy, putDirectCopy])
      for (let endsAt = 0; endsAt < 20; endsAt++) {
        const vm = complete(scene);
        vm.endsAt = endsAt;
        await commit(vm).catch(() => undefined);

        vm.endsAt = undefined;
        await commit(vm);

        expect([vm.nodes.all, vm.jobs.all], `${scene.name}, died at ${endsAt}`).toEqual([
          ['vd0-node', 'vd1-node'],
          [],
        ]);
      }
  });

  it('takes nothing out while a job does not end', async () => {
    const vm = complete(putFleecingCopy);
    vm.jobs.change(nameOf(1, 'j'), { hangs: true });

    await expect(commit(vm)).rejects.toBeInstanceOf(NotFreedError);

    expect(vm.log).toEqual(['end receivers', 'job-finalize 00j', 'job-finalize 01j']);
  });
});
