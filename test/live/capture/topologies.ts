import { jobsReach } from '../../../capture/await-jobs.ts';
import { attachments } from '../../../lab/attachments.ts';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { createImage } from '../../../qemu/images/create-image.ts';
import { changedDisks } from './changed-disks.ts';
import type { Topology } from './topology.ts';

const MiB = 1024 ** 2;
const granularity = 65_536;
export const topologies: readonly Topology[] = [
  {
    name: 'two-named-disks-with-bitmaps',
    disks: [{}, { format: 'raw' }],
    async arrange({ labQmp }) {
      const first = 'stillpoint:20261123T000000Z-aaaa:none:vd0';
      const second = 'stillpoint:20261124T000000Z-bbbb:20261123T000000Z-aaaa:vd0';
      for (const [name, disabled] of [
        [first, true],
        [second, false],
        ['theirs', false],
      ] as const)
        await labQmp.execute('block-dirty-bitmap-add', {
          node: 'vd0-node',
          name,
          granularity,
          disabled,
          persistent: name !== 'theirs',
        });
    },
  },
  {
    name: 'unnamed-devices-of-every-kind',
    disks: attachments
      .filter(({ named, iothread, style }) => !named && !iothread && style !== 'drive-if')
      .map((attachment) => ({ attachment })),
  },
  {
    name: 'drives-without-device-options',
    disks: attachments
      .filter(({ style }) => style === 'drive-if')
      .map((attachment) => ({ attachment })),
  },
  {
    name: 'disk-beside-media-that-are-none',
    disks: [{}],
    options: [
      ['-device', 'ide-cd,id=empty,bus=ide.3'],
      ['-blockdev', 'driver=null-co,node-name=readonly,read-only=on,size=1048576'],
      ['-device', 'virtio-blk-pci,id=readonly,drive=readonly'],
      ['-blockdev', 'driver=null-co,node-name=unplugged,size=1048576'],
    ].flat(),
  },
  {
    name: 'external-snapshot',
    disks: [{}],
    async arrange({ labQmp, folder }) {
      const path = `${folder}/overlay.qcow2`;
      await createImage({ path, virtualBytes: 64 * MiB });
      await labQmp.execute('block-dirty-bitmap-add', {
        node: 'vd0-node',
        name: 'stillpoint:20261123T000000Z-aaaa:none:vd0',
        granularity,
        persistent: true,
      });
      await labQmp.execute('blockdev-add', {
        driver: 'qcow2',
        'node-name': 'overlay',
        file: { driver: 'file', filename: path },
        backing: null,
      });
      await labQmp.execute('transaction', {
        actions: [{ type: 'blockdev-snapshot', data: { node: 'vd0-node', overlay: 'overlay' } }],
      });
    },
  },
  ...changedDisks,
  {
    name: 'copy-behind-a-filter',
    disks: [{}],
    arrange: ({ labQmp }) => fleece(labQmp),
  },
  {
    name: 'foreign-filter-and-job',
    disks: [{}],
    async arrange({ labQmp }) {
      await labQmp.execute('blockdev-add', {
        driver: 'null-co',
        'node-name': 'their-target',
        size: 64 * MiB,
      });
      await labQmp.execute('blockdev-backup', {
        'job-id': 'their-job',
        device: 'vd0-node',
        target: 'their-target',
        sync: 'none',
        'filter-node-name': 'their-filter',
      });
    },
  },
];

/** Disk 0 as the product leaves it in the middle of a copy, by the very commands. */
async function fleece(qmp: Machine['labQmp']): Promise<void> {
  const id = '20261124T000000Z-bbbb';
  const name = (role: string) => `sp-${id}-00${role}`;
  const nodes = [
    { driver: 'null-co', 'node-name': name('t'), size: 64 * MiB },
    { driver: 'null-co', 'node-name': name('s'), size: 64 * MiB },
    {
      driver: 'copy-before-write',
      'node-name': name('f'),
      file: 'vd0-node',
      target: name('s'),
      'on-cbw-error': 'break-snapshot',
    },
  ] as const;
  const segment = { node: 'vd0-node', name: `stillpoint:${id}:none:vd0` };
  await qmp.execute('block-dirty-bitmap-add', { ...segment, persistent: true, granularity });
  for (const node of nodes) await qmp.execute('blockdev-add', node);
  await qmp.execute('qom-set', {
    path: '/machine/peripheral/vd0',
    property: 'drive',
    value: name('f'),
  });
  await qmp.execute('blockdev-add', {
    driver: 'snapshot-access',
    'node-name': name('a'),
    file: name('f'),
  });
  await qmp.execute('blockdev-backup', {
    'job-id': name('j'),
    device: name('a'),
    target: name('t'),
    sync: 'full',
    'auto-finalize': false,
    'auto-dismiss': false,
  });
  await jobsReach(qmp, ({ status }) => status === 'pending', 10_000);
}

/** Starts a topology's machine; its state is still to be arranged. */
export async function startTopology({ disks, options = [] }: Topology): Promise<Machine> {
  return startQemu({ disks, qemu: ['qemu-system-x86_64', ...options] });
}
