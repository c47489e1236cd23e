import { describe, expect, it } from 'vitest';
import { readVmState, type Disk } from '../../capture/vm-state.ts';
import { AnsweringQemu } from './answering-qemu.ts';
import { MiB } from './sample.ts';
import { openRecorded } from './recorded.ts';

/** A qcow2 disk of the lab, with an id, attached by `-blockdev`. */
function disk(is: Partial<Disk>): Disk {
  const { device = 'vd0', node = `${device}-node` } = is;
  return {
    device,
    qdev: `/machine/peripheral/${device}/virtio-backend`,
    qomPath: `/machine/peripheral/${device}`,
    node,
    top: node,
    format: 'qcow2',
    virtualBytes: 64 * MiB,
    usedBytes: 200_704,
    bitmaps: [],
    ...is,
  };
}

/** A device without an id: its name is that of its drive or node. */
function anonymous(device: string, node: string, qdev: string): Disk {
  return disk({ device, node, qdev, qomPath: qdev.replace('/virtio-backend', '') });
}

const anon = (index: number) => `/machine/peripheral-anon/device[${index}]`;
const bitmap = { recording: true, persistent: true, inconsistent: false, dirtyBytes: 0 };
const ofMonday = { ...bitmap, name: 'stillpoint:20261123T000000Z-aaaa:none:vd0' };
const ofTuesday = { ...bitmap, name: 'stillpoint:20261124T000000Z-bbbb:20261123T000000Z-aaaa:vd0' };

const topologies: { name: string; disks: Disk[] }[] = [
  {
    name: 'two-named-disks-with-bitmaps',
    disks: [
      disk({
        bitmaps: [
          { ...bitmap, name: 'theirs', persistent: false },
          ofTuesday,
          { ...ofMonday, recording: false },
        ],
      }),
      disk({ device: 'vd1', format: 'raw' }),
    ],
  },
  {
    name: 'unnamed-devices-of-every-kind',
    disks: [
      anonymous('vd1-drive', '#block100', `${anon(1)}/virtio-backend`),
      anonymous('vd3-drive', '#block101', anon(3)),
      anonymous('vd5-drive', '#block102', anon(5)),
      anonymous('vd7-drive', '#block103', anon(7)),
      anonymous('vd0-node', 'vd0-node', `${anon(0)}/virtio-backend`),
      anonymous('vd2-node', 'vd2-node', anon(2)),
      anonymous('vd4-node', 'vd4-node', anon(4)),
      anonymous('vd6-node', 'vd6-node', anon(6)),
    ],
  },
  {
    name: 'drives-without-device-options',
    disks: [
      anonymous('virtio0', '#block100', `${anon(0)}/virtio-backend`),
      anonymous('ide0-hd0', '#block101', '/machine/unattached/device[16]'),
    ],
  },
  { name: 'disk-beside-media-that-are-none', disks: [disk({})] },
  { name: 'external-snapshot', disks: [disk({ node: 'overlay' })] },
  {
    name: 'foreign-filter-and-job',
    disks: [disk({ node: 'their-filter', format: 'copy-before-write' })],
  },
];

describe('readVmState', () => {
  for (const { name, disks } of topologies)
    it(`sees the disks of: ${name}`, async () => {
      const state = await readVmState(await openRecorded(name));

      expect(state.disks).toEqual(disks);
      expect(state).toMatchObject({ status: 'prelaunch', running: false });
    });

  it('sees below a filter of ours the disk, and the bitmaps that are on it', async () => {
    const state = await readVmState(await openRecorded('copy-behind-a-filter'));

    expect(state.disks).toHaveLength(1);
    expect(state.disks[0]).toMatchObject({
      node: 'vd0-node',
      top: 'sp-20261124T000000Z-bbbb-00f',
      virtualBytes: 64 * MiB,
      bitmaps: [{ ...bitmap, name: 'stillpoint:20261124T000000Z-bbbb:none:vd0' }],
    });
  });

  it('sees nodes that no device has, and jobs, whoever owns them', async () => {
    const state = await readVmState(await openRecorded('foreign-filter-and-job'));

    expect(state.graph.nodes).toEqual(['their-filter', 'their-target', 'vd0-node', '#block100']);
    expect(state.jobs.map(({ id }) => id)).toEqual(['their-job']);
    expect(state.graph.child('their-filter', 'target')).toBe('their-target');
    expect(state.graph.child('their-filter', 'backing')).toBeUndefined();
  });

  it('asks nothing on the way that kills QEMU 5.2 beside a finished job', async () => {
    const vm = new AnsweringQemu(
      {
        'query-status': () => ({ status: 'running', running: true }),
        'query-jobs': () => [],
        'query-block': () => [],
        'x-debug-query-block-graph': () => ({ nodes: [], edges: [] }),
      },
      '5.2.0',
    );

    await readVmState(await vm.open());

    expect(vm.sent.join()).not.toContain('query-named-block-nodes');
  });

  it('gives each disk a name of its own, where two have become one', async () => {
    const block = (qdev: string, node: string) => ({
      device: 'disk',
      qdev,
      removable: false,
      inserted: {
        'node-name': node,
        drv: 'raw',
        ro: false,
        file: 'f',
        image: { filename: 'f', format: 'raw', 'virtual-size': MiB },
      },
    });
    const vm = new AnsweringQemu({
      'query-status': () => ({ status: 'running', running: true }),
      'query-jobs': () => [],
      'query-block': () => [
        block(anon(0), 'a'),
        block('disk-1', 'b'),
        block('disk', 'c'),
        block('x'.repeat(100), 'd'),
        block('x'.repeat(120), 'e'),
      ],
      'x-debug-query-block-graph': () => ({ nodes: [], edges: [] }),
    });

    const { disks } = await readVmState(await vm.open());

    expect(disks.map(({ device }) => device)).toEqual([
      'disk',
      'disk-1',
      'disk-2',
      'x'.repeat(100),
      `${'x'.repeat(95)}-1`,
    ]);
    expect(disks[2]?.qomPath).toBe('/machine/peripheral/disk');
    expect(disks[0]?.usedBytes).toBe(MiB);
  });
});
