import { describe, expect, it } from 'vitest';
import { planDisks } from '../../capture/plan-disks.ts';
import { readVmState, type Disk } from '../../capture/vm-state.ts';
import type { PublishedBackup } from '../../model/decide.ts';
import { tidyingOf, type Tidying } from '../../model/segments.ts';
import { openRecorded } from './recorded.ts';
import { MiB } from './sample.ts';

const [monday, tuesday, wednesday] = [
  '20261123T000000Z-aaaa',
  '20261124T000000Z-bbbb',
  '20261125T000000Z-cccc',
] as const;

/** Backups that hold these devices, 64 MiB large: the first in full, each other its changes. */
function held(backupIds: readonly string[], devices = ['vd0', 'vd1']): PublishedBackup[] {
  return backupIds.map((backupId, index) => ({
    backupId,
    disks: devices.map((device) => ({
      device,
      virtualBytes: 64 * MiB,
      kind: index === 0 ? ('full' as const) : ('incremental' as const),
    })),
  }));
}

/** The disk as the clean-up leaves it. */
function tidied(disk: Disk, steps: readonly Tidying[]): Disk {
  const removed = steps.map((step) => (step.do === 'remove' ? step.bitmap : step.newest));
  const into = steps.flatMap((step) => (step.do === 'merge-back' ? step.into : []));
  const bitmaps = disk.bitmaps
    .filter(({ name }) => !removed.includes(name))
    .map((one) => ({ ...one, recording: one.recording || into.includes(one.name) }));
  return { ...disk, bitmaps };
}

const auto = { kind: 'auto' as const };

/** Each has a recording of the same name, if it names no other one. */
const cases = [
  { title: 'two-named-disks-with-bitmaps', published: held([monday, tuesday]) },
  { title: 'three-segments-in-a-row', published: held([monday, tuesday, wednesday]) },
  {
    title: 'three-segments-in-a-row, a differential',
    recorded: 'three-segments-in-a-row',
    published: held([monday, tuesday, wednesday]),
    request: { kind: 'differential' as const, since: monday },
  },
  {
    title: 'older-repository-copy',
    recorded: 'three-segments-in-a-row',
    published: held([monday]),
  },
  {
    title: 'repository-copy-older-than-the-bitmaps',
    recorded: 'three-segments-in-a-row',
    published: held(['20261122T000000Z-9999']),
  },
  {
    title: 'three-segments-in-a-row, of a VM that was renamed',
    recorded: 'three-segments-in-a-row',
    published: [],
  },
  { title: 'external-snapshot', published: held([monday]) },
  { title: 'external-snapshot-committed', published: held([monday, tuesday]) },
  {
    title: 'external-snapshot-committed, after a backup of the overlay',
    recorded: 'external-snapshot-committed',
    published: held([monday, tuesday, wednesday]),
  },
  { title: 'image-replaced-under-the-same-name', published: held([monday, tuesday]) },
  { title: 'images-that-changed-places', published: held([monday, tuesday]) },
  { title: 'bitmaps-inconsistent', published: held([monday, tuesday]) },
  { title: 'bitmap-missing-in-the-middle', published: held([monday, tuesday, wednesday]) },
  {
    title: 'bitmap-missing-in-the-middle, below a backup that died',
    recorded: 'bitmap-missing-in-the-middle',
    published: held([monday, tuesday]),
  },
  { title: 'bitmap-that-records-missing', published: held([monday, tuesday, wednesday]) },
  { title: 'disk-resized', published: held([monday, tuesday]) },
  {
    title: 'drives-without-ids-with-bitmaps',
    published: held([monday, tuesday], ['virtio0', 'virtio1']),
  },
  { title: 'unnamed-devices-of-every-kind', published: [] },
  { title: 'copy-behind-a-filter', published: held([monday]) },
  { title: 'foreign-filter-and-job', published: held([monday]) },
];

/**
 * The whole decision on block graphs that a real QEMU showed: what the clean-up does to the segments of each disk, and how
 * the disk is backed up then. After a change on purpose, `--update` writes the files anew: read the difference.
 */
describe('the decision', () => {
  for (const { title, recorded = title, published, request = auto } of cases)
    it(`is as it was for ${title}`, async () => {
      const { disks: found } = await readVmState(await openRecorded(recorded));
      const isPublished = (id: string) => published.some(({ backupId }) => backupId === id);
      const tidying = found.map((disk) => tidyingOf(disk, isPublished));
      const disks = found.map((disk, index) => tidied(disk, tidying[index] ?? []));

      const decided = planDisks(
        disks,
        published,
        request,
        { keepsBitmaps: true, merging: true },
        found,
      );

      const backups = published.map(({ backupId }) => backupId);
      const whole = { recorded, published: backups, request, tidying, decided };
      await expect(`${JSON.stringify(whole, undefined, 2)}\n`).toMatchFileSnapshot(
        `decided/${title.replaceAll(/,? /g, '-')}.json`,
      );
    });
});
