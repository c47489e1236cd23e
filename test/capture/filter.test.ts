import { describe, expect, it } from 'vitest';
import { takeFiltersOut } from '../../capture/filter.ts';
import { readVmState } from '../../capture/vm-state.ts';
import { QmpCommandError } from '../../qemu/errors.ts';
import { FakeVm } from './fake-vm.ts';
import { putFilter, putFleecingCopy } from './scenes.ts';

async function takeOut(vm: FakeVm): Promise<void> {
  const qmp = await vm.open();
  const { disks, graph } = await readVmState(qmp);
  await takeFiltersOut(qmp, disks, graph);
}

/** Setting the node that a device already has kills QEMU, and this fake one, too. */
describe('takeFiltersOut', () => {
  it('gives each device with a filter of ours its own disk back', async () => {
    const vm = new FakeVm();
    putFilter(vm, 0);
    putFilter(vm, 1);

    await takeOut(vm);

    expect(vm.sent('qom-set')).toEqual(
      [0, 1].map((index) => ({
        path: `/machine/peripheral/vd${index}`,
        property: 'drive',
        value: `vd${index}-node`,
      })),
    );
  });

  it('never sets the node that a device already has', async () => {
    const vm = new FakeVm();
    putFilter(vm, 1);

    await takeOut(vm);
    await takeOut(vm);

    expect(vm.log).toEqual(['qom-set vd1-node']);
  });

  it("leaves somebody else's filter where it is", async () => {
    const vm = new FakeVm();
    vm.nodes.add({ driver: 'null-co', 'node-name': 'theirs' });
    vm.nodes.add({
      driver: 'copy-before-write',
      'node-name': 'their-filter',
      file: 'vd0-node',
      target: 'theirs',
    });
    vm.nodes.setDrive({
      path: '/machine/peripheral/vd0',
      property: 'drive',
      value: 'their-filter',
    });

    await takeOut(vm);

    expect(vm.log).toEqual([]);
  });

  it('is refused while the filter is read', async () => {
    const vm = new FakeVm();
    putFleecingCopy(vm, 0);

    await expect(takeOut(vm)).rejects.toBeInstanceOf(QmpCommandError);
  });
});
