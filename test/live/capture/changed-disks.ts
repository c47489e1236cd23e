import { attachments } from '../../../lab/attachments.ts';
import type { Machine } from '../../../lab/machine.ts';
import { segmentName } from '../../../model/names.ts';
import { createImage } from '../../../qemu/images/create-image.ts';
import { commitSnapshot, takeSnapshot } from '../rig/snapshots.ts';
import type { Topology } from './topology.ts';

const MiB = 1024 ** 2;
const granularity = 65_536;
const [monday, tuesday, wednesday] = [
  '20261123T000000Z-aaaa',
  '20261124T000000Z-bbbb',
  '20261125T000000Z-cccc',
] as const;

/** Disks with segments of ours, and what others have done to them since the last backup. */
export const changedDisks: readonly Topology[] = [
  {
    name: 'external-snapshot-committed',
    disks: [{}],
    async arrange(machine) {
      await putSegments(machine.labQmp, 'vd0-node', 'vd0', [monday, tuesday]);
      await takeSnapshot(machine);
      await commitSnapshot(machine);
    },
  },
  {
    name: 'image-replaced-under-the-same-name',
    disks: [{}, {}],
    async arrange(machine) {
      await putSegments(machine.labQmp, 'vd0-node', 'vd0', [monday, tuesday]);
      await putSegments(machine.labQmp, 'vd1-node', 'vd1', [monday, tuesday]);
      await machine.quit();
      const { path, virtualBytes } = machine.disk(0);
      await createImage({ path, virtualBytes });
      await machine.restart();
    },
  },
  {
    name: 'bitmaps-inconsistent',
    disks: [{}],
    async arrange(machine) {
      await putSegments(machine.labQmp, 'vd0-node', 'vd0', [monday, tuesday]);
      await machine.quit();
      await machine.restart();
      await machine.kill();
      await machine.restart();
    },
  },
  {
    name: 'bitmap-missing-in-the-middle',
    disks: [{}],
    async arrange({ labQmp }) {
      await putSegments(labQmp, 'vd0-node', 'vd0', [monday, tuesday, wednesday]);
      const name = segmentName('vd0', tuesday, monday);
      await labQmp.execute('block-dirty-bitmap-remove', { node: 'vd0-node', name });
    },
  },
  {
    name: 'bitmap-that-records-missing',
    disks: [{}],
    async arrange({ labQmp }) {
      await putSegments(labQmp, 'vd0-node', 'vd0', [monday, tuesday, wednesday]);
      const name = segmentName('vd0', wednesday, tuesday);
      await labQmp.execute('block-dirty-bitmap-remove', { node: 'vd0-node', name });
    },
  },
  {
    name: 'three-segments-in-a-row',
    disks: [{}],
    arrange: async ({ labQmp }) =>
      putSegments(labQmp, 'vd0-node', 'vd0', [monday, tuesday, wednesday]),
  },
  {
    name: 'images-that-changed-places',
    disks: [{}, {}],
    async arrange({ labQmp }) {
      await putSegments(labQmp, 'vd0-node', 'vd1', [monday, tuesday]);
      await putSegments(labQmp, 'vd1-node', 'vd0', [monday, tuesday]);
    },
  },
  {
    name: 'disk-resized',
    disks: [{}, {}],
    async arrange({ labQmp }) {
      await putSegments(labQmp, 'vd0-node', 'vd0', [monday, tuesday]);
      await putSegments(labQmp, 'vd1-node', 'vd1', [monday, tuesday]);
      await labQmp.execute('block_resize', { 'node-name': 'vd0-node', size: 80 * MiB });
    },
  },
  {
    name: 'drives-without-ids-with-bitmaps',
    disks: attachments
      .filter(({ style, device }) => style === 'drive-if' && device === 'virtio-blk')
      .flatMap((attachment) => [{ attachment }, { attachment }]),
    async arrange({ labQmp }) {
      for (const { device, inserted } of await labQmp.execute('query-block', {}))
        await putSegments(labQmp, inserted?.['node-name'] ?? '', device, [monday, tuesday]);
    },
  },
];

/** The segments of those backups, of which the last one records. */
async function putSegments(
  qmp: Machine['labQmp'],
  node: string,
  device: string,
  backupIds: readonly string[],
): Promise<void> {
  for (const [index, backupId] of backupIds.entries())
    await qmp.execute('block-dirty-bitmap-add', {
      node,
      name: segmentName(device, backupId, backupIds[index - 1] ?? null),
      granularity,
      persistent: true,
      disabled: index < backupIds.length - 1,
    });
}
