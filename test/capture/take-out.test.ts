import { describe, expect, it } from 'vitest';
import { NotFreedError } from '../../capture/errors.ts';
import { takeOut } from '../../capture/take-out.ts';
import { ourName, segmentName, temporaryBitmapName } from '../../model/names.ts';
import { QmpDisconnectedError } from '../../qemu/errors.ts';
import { Refusal } from './answering-qemu.ts';
import { FakeVm } from './fake-vm.ts';
import { monday, receiversInto, wednesday } from './sample.ts';
import { putDirectCopy, putFilter, putFleecingCopy, putScratch } from './scenes.ts';

const job = ourName(wednesday, 0, 'j');
const temporary = temporaryBitmapName(wednesday, 0);

async function takeAllOut(vm: FakeVm): Promise<void> {
  await takeOut(await vm.open(), receiversInto(vm.log));
}

/** What of ours is in the VM, beside segments. */
function traces(vm: FakeVm): string[] {
  const bitmaps = ['vd0-node', 'vd1-node'].flatMap((node) => vm.bitmaps.on(node));
  return [
    ...vm.nodes.all.filter((name) => name.startsWith('sp-')),
    ...vm.jobs.all.map(({ id }) => id),
    ...bitmaps.map(({ name }) => name).filter((name) => name.startsWith('stillpoint-tmp:')),
  ];
}

describe('takeOut', () => {
  it('frees a VM of a copy behind filters in the one order that works', async () => {
    const vm = new FakeVm();
    putFleecingCopy(vm, 0);

    await takeAllOut(vm);

    expect(vm.log).toEqual([
      `job-cancel 00j`,
      `job-dismiss 00j`,
      'end receivers',
      'yank',
      'blockdev-del 00a',
      'qom-set vd0-node',
      'blockdev-del 00f',
      'blockdev-del 00s',
      'blockdev-del 00t',
      `block-dirty-bitmap-remove ${temporary}`,
    ]);
    expect(vm.nodes.devices.get('vd0')?.drive).toBe('vd0-node');
  });

  it('lets go of the targets of an unshielded copy before their receivers end', async () => {
    const vm = new FakeVm();
    putDirectCopy(vm, 0, 1);

    await takeAllOut(vm);

    expect(vm.log.slice(0, 8)).toEqual([
      'substitute dead 0, 1',
      'job-cancel 00j',
      'job-cancel 01j',
      'job-dismiss 00j',
      'job-dismiss 01j',
      'blockdev-del 00t',
      'blockdev-del 01t',
      'end receivers',
    ]);
    expect(traces(vm)).toEqual([]);
  });

  it('does nothing to a VM that has nothing of ours, and ends receivers nevertheless', async () => {
    const vm = new FakeVm();

    await takeAllOut(vm);

    expect(vm.log).toEqual(['end receivers']);
  });

  it('keeps every segment', async () => {
    const vm = new FakeVm();
    putFleecingCopy(vm, 0);

    await takeAllOut(vm);

    expect(vm.bitmaps.on('vd0-node').map(({ name }) => name)).toEqual([
      segmentName('vd0', wednesday, null),
    ]);
  });

  it('takes out what runs of other days left, disk by disk', async () => {
    const vm = new FakeVm();
    putFilter(vm, 0, monday);
    putFleecingCopy(vm, 1);

    await takeAllOut(vm);

    expect(traces(vm)).toEqual([]);
  });

  it('takes out a second pass and a probe', async () => {
    const vm = new FakeVm();
    putScratch(vm, 0);
    for (const [index, role] of [
      [0, 'p'],
      [1, 'p'],
    ] as const)
      vm.nodes.add({ driver: 'null-co', 'node-name': ourName(wednesday, index, role), size: 1 });
    for (const role of ['k', 'p'] as const) vm.jobs.put(ourName(wednesday, 0, role));

    await takeAllOut(vm);

    expect(traces(vm)).toEqual([]);
  });

  it('leaves jobs, nodes and bitmaps of others alone', async () => {
    const vm = new FakeVm();
    putFleecingCopy(vm, 0);
    vm.nodes.add({ driver: 'null-co', 'node-name': 'their-target' });
    vm.jobs.put('their-job', { nodes: ['vd0-node', 'their-target'] });
    vm.bitmaps.put('vd0-node', 'theirs');

    await takeAllOut(vm);

    expect(vm.jobs.all.map(({ id, status }) => [id, status])).toEqual([['their-job', 'running']]);
    expect(vm.nodes.all).toEqual(['vd0-node', 'vd1-node', 'their-target']);
    expect(vm.bitmaps.on('vd0-node').map(({ name }) => name)).toContain('theirs');
  });

  it('yanks the target of a job that cannot be cancelled', async () => {
    const vm = new FakeVm();
    putFleecingCopy(vm, 0);
    vm.jobs.change(job, { hangs: true });

    await takeAllOut(vm);

    expect(vm.sent('yank')).toEqual([
      { instances: [{ type: 'block-node', 'node-name': ourName(wednesday, 0, 't') }] },
    ]);
    expect(traces(vm)).toEqual([]);
  });

  it('asks no QEMU for a yank that is too old to know it', async () => {
    const vm = new FakeVm({ version: '5.2.0' });
    putDirectCopy(vm, 0);

    await takeAllOut(vm);

    expect(vm.log).not.toContain('yank');
    expect(traces(vm)).toEqual([]);
  });

  it('dismisses a job that has failed by itself', async () => {
    const vm = new FakeVm();
    putFleecingCopy(vm, 0);
    vm.jobs.change(job, { status: 'concluded', error: 'No space left on device' });

    await takeAllOut(vm);

    expect(vm.log).not.toContain('job-cancel 00j');
    expect(traces(vm)).toEqual([]);
  });

  it('says what is still in the VM, when QEMU does not let it go', async () => {
    const vm = new FakeVm();
    putFleecingCopy(vm, 0);
    vm.before['blockdev-del'] = ({ 'node-name': name }) => {
      if (name.endsWith('s')) throw new Refusal('Node is in use');
    };

    const error = await takeAllOut(vm).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(NotFreedError);
    expect(String(error)).toContain(ourName(wednesday, 0, 's'));
    expect(vm.log).toContain('blockdev-del 00t');
  });

  it('does not take the end of the connection for a refusal', async () => {
    const vm = new FakeVm();
    putFleecingCopy(vm, 0);
    vm.endsAt = 4;

    await expect(takeAllOut(vm)).rejects.toBeInstanceOf(QmpDisconnectedError);
  });

  it('is finished by the next one, at whatever command it dies', async () => {
    for (const scene of [putFleecingCopy, putDirectCopy])
      for (let endsAt = 0; endsAt < 20; endsAt++) {
        const vm = new FakeVm();
        scene(vm, 0, 1);
        vm.endsAt = endsAt;
        await takeAllOut(vm).catch(() => undefined);

        vm.endsAt = undefined;
        await takeAllOut(vm);

        expect(traces(vm), `${scene.name}, died at ${endsAt}: ${vm.log.join('; ')}`).toEqual([]);
      }
  });
});
