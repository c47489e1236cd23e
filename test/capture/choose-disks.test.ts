import { describe, expect, it } from 'vitest';
import { chooseDisks } from '../../capture/choose-disks.ts';
import { NoDiskError } from '../../capture/errors.ts';
import { readVmState } from '../../capture/vm-state.ts';
import { openRecorded } from './recorded.ts';

const anon = (index: number) => `/machine/peripheral-anon/device[${index}]`;

/** The types of the devices of `unnamed-devices-of-every-kind`, as QEMU names them. */
const everyKind = {
  [anon(0)]: 'virtio-blk-pci',
  [anon(1)]: 'virtio-blk-pci',
  [anon(2)]: 'scsi-hd',
  [anon(3)]: 'scsi-hd',
  [anon(4)]: 'ide-hd',
  [anon(5)]: 'ide-hd',
  [anon(6)]: 'nvme',
  [anon(7)]: 'nvme',
};
const twoDisks = {
  '/machine/peripheral/vd0': 'virtio-blk-pci',
  '/machine/peripheral/vd1': 'virtio-blk-pci',
};

async function choose(
  topology: string,
  types: Readonly<Record<string, string>>,
  named?: readonly string[],
) {
  const qmp = await openRecorded(topology, types);
  const { disks, warnings } = await chooseDisks(qmp, (await readVmState(qmp)).disks, named);
  return { devices: disks.map(({ device }) => device), warnings };
}

describe('chooseDisks', () => {
  it('takes every disk, of whatever kind, when none is named', async () => {
    const { devices, warnings } = await choose('unnamed-devices-of-every-kind', everyKind);

    expect(devices).toHaveLength(8);
    expect(warnings).toEqual([]);
  });

  it('takes the named ones alone', async () => {
    const { devices } = await choose('two-named-disks-with-bitmaps', twoDisks, ['vd1']);

    expect(devices).toEqual(['vd1']);
  });

  it('says which writable devices it leaves out, for they are no disks', async () => {
    const types = { ...twoDisks, '/machine/peripheral/vd1': 'cfi.pflash01' };

    const { devices, warnings } = await choose('two-named-disks-with-bitmaps', types);

    expect(devices).toEqual(['vd0']);
    expect(warnings).toEqual(['not backed up, for it is no disk: vd1 (cfi.pflash01)']);
  });

  it('says nothing of what it leaves out when the disks are named', async () => {
    const types = { ...twoDisks, '/machine/peripheral/vd1': 'floppy' };

    expect(await choose('two-named-disks-with-bitmaps', types, ['vd0'])).toEqual({
      devices: ['vd0'],
      warnings: [],
    });
  });

  const refused = [
    {
      title: 'is not there',
      types: twoDisks,
      named: ['vd0', 'vd7'],
      message: /disk vd7: .*vd0, vd1/,
    },
    {
      title: 'is no disk',
      types: { ...twoDisks, '/machine/peripheral/vd1': 'floppy' },
      named: ['vd1'],
      message: /disk vd1: .*\(vd0\)/,
    },
  ];
  for (const { title, types, named, message } of refused)
    it(`refuses a named disk that ${title}`, async () => {
      const chosen = choose('two-named-disks-with-bitmaps', types, named);

      await expect(chosen).rejects.toBeInstanceOf(NoDiskError);
      await expect(chosen).rejects.toThrow(message);
    });

  it('refuses a VM without any disk', async () => {
    const chosen = choose('disk-beside-media-that-are-none', {
      '/machine/peripheral/vd0': 'sd-card',
    });

    await expect(chosen).rejects.toBeInstanceOf(NoDiskError);
  });

  const types = {
    disks: [
      'virtio-blk-device',
      'virtio-blk-ccw',
      'scsi-disk',
      'scsi-block',
      'ide-drive',
      'nvme-ns',
    ],
    others: ['scsi-cd', 'ide-cd', 'floppy', 'cfi.pflash01', 'sd-card', 'my-virtio-blk'],
  };
  for (const type of types.disks)
    it(`knows ${type} as a disk`, async () => {
      const { devices } = await choose('disk-beside-media-that-are-none', {
        '/machine/peripheral/vd0': type,
      });

      expect(devices).toEqual(['vd0']);
    });
  for (const type of types.others)
    it(`knows ${type} as no disk`, async () => {
      const chosen = choose('disk-beside-media-that-are-none', { '/machine/peripheral/vd0': type });

      await expect(chosen).rejects.toBeInstanceOf(NoDiskError);
    });
});
