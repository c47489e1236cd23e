import { describe, expect, it } from 'vitest';
import type { Kind } from '../../model/choices.ts';
import { segmentName } from '../../model/names.ts';
import { decideDisk, type PublishedBackup } from '../../model/decide.ts';
import {
  inconsistent,
  monday,
  recording,
  segment,
  threeDays,
  thursday,
  tuesday,
  wednesday,
} from './segment-names.ts';

const GiB = 1024 ** 3;

function held(backupId: string, kind: Kind = 'incremental', virtualBytes = GiB): PublishedBackup {
  return { backupId, disks: [{ device: 'vd0', virtualBytes, kind }] };
}

const disk = (bitmaps = threeDays) => ({ device: 'vd0', virtualBytes: GiB, bitmaps });
const week = [held(monday, 'full'), held(tuesday), held(wednesday)];
const names = threeDays.map(({ name }) => name);
const [ofMonday = '', ofTuesday = '', ofWednesday = ''] = names;

describe('decideDisk, for changes', () => {
  it('builds on the newest published backup', () => {
    expect(decideDisk(disk(), week, 'auto')).toEqual({
      kind: 'incremental',
      reason: 'changes-since-parent',
      parent: wednesday,
      previous: wednesday,
      merge: [ofWednesday],
    });
  });

  it('decides the same when asked for an incremental', () => {
    expect(decideDisk(disk(), week, 'incremental')).toEqual(decideDisk(disk(), week, 'auto'));
  });

  it('reaches behind backups that were not published, and still names the head as predecessor', () => {
    expect(decideDisk(disk(), [held(monday, 'full')], 'auto')).toMatchObject({
      kind: 'incremental',
      parent: monday,
      previous: wednesday,
      merge: [ofWednesday, ofTuesday, ofMonday],
    });
  });

  it('merges no segment that is older than its parent', () => {
    const decision = decideDisk(disk(), [held(monday), held(tuesday)], 'auto');

    expect(decision).toMatchObject({ parent: tuesday, merge: [ofWednesday, ofTuesday] });
  });

  it('never looks at the bitmaps of others', () => {
    const theirs = { ...segment(thursday, wednesday, recording), name: 'libvirt-thursday' };

    expect(decideDisk(disk([theirs, ...threeDays]), week, 'auto').merge).toEqual([ofWednesday]);
  });

  it('builds a differential on the backup that is chosen', () => {
    expect(decideDisk(disk(), week, 'differential', tuesday)).toEqual({
      kind: 'differential',
      reason: 'changes-since-chosen',
      parent: tuesday,
      previous: wednesday,
      merge: [ofWednesday, ofTuesday],
    });
  });

  it('builds a differential on the newest full backup of the disk when none is chosen', () => {
    const published = [...week, { backupId: thursday, disks: [{ ...vd1, kind: 'full' as const }] }];

    expect(decideDisk(disk(), published, 'differential').parent).toBe(monday);
  });

  it('goes on from an old parent when the newest backup does not hold the disk', () => {
    const published = [held(monday, 'full'), { backupId: wednesday, disks: [vd1] }];

    expect(decideDisk(disk(), published, 'auto').parent).toBe(monday);
  });
});

const ofAnother = segmentName('vd1', wednesday, tuesday);
const vd1 = { device: 'vd1', virtualBytes: GiB, kind: 'incremental' as const };

describe('decideDisk, for all content', () => {
  const broken = [segment(monday, null), segment(wednesday, tuesday, recording)];
  const cases = [
    { title: 'it is asked for', kind: 'full' as const, reason: 'requested-full' },
    { title: 'nothing is published', published: [], reason: 'first-backup' },
    {
      title: 'no backup holds the disk',
      published: [{ backupId: wednesday, disks: [vd1] }],
      reason: 'first-backup',
    },
    { title: 'the disk has no segment', bitmaps: [], reason: 'no-tracking' },
    {
      title: 'its image was another device’s',
      bitmaps: [{ ...segment(wednesday, tuesday, recording), name: ofAnother }],
      reason: 'image-moved',
    },
    {
      title: 'the head is inconsistent',
      bitmaps: [segment(wednesday, tuesday, inconsistent)],
      reason: 'tracking-inconsistent',
    },
    {
      title: 'a segment behind the head is inconsistent, and no later backup is published',
      bitmaps: [segment(monday, null, inconsistent), segment(tuesday, monday, recording)],
      published: [held(monday, 'full')],
      reason: 'tracking-inconsistent',
    },
    {
      title: 'nothing records',
      bitmaps: [segment(monday, null), segment(tuesday, monday)],
      reason: 'tracking-broken',
    },
    {
      title: 'a link of the chain is missing',
      bitmaps: broken,
      published: [held(monday, 'full'), held(tuesday)],
      reason: 'tracking-broken',
    },
    {
      title: 'the disk was resized',
      published: [held(wednesday, 'full', 2 * GiB)],
      reason: 'disk-resized',
    },
    {
      title: 'the chosen backup has another size',
      published: [held(monday, 'full', 2 * GiB), held(wednesday)],
      kind: 'differential' as const,
      since: monday,
      reason: 'disk-resized',
    },
    {
      title: 'no backup of the chain is in the repository',
      published: [held(thursday, 'full')],
      reason: 'parent-not-in-repository',
    },
    {
      title: 'the chain does not reach the chosen backup',
      bitmaps: [segment(wednesday, tuesday, recording)],
      kind: 'differential' as const,
      since: monday,
      reason: 'since-not-tracked',
    },
    {
      title: 'the chosen backup is tracked, but not published',
      published: [held(monday, 'full')],
      kind: 'differential' as const,
      since: tuesday,
      reason: 'since-not-tracked',
    },
    {
      title: 'a differential is asked for and no backup of the disk is full',
      published: [held(tuesday), held(wednesday)],
      kind: 'differential' as const,
      reason: 'since-not-tracked',
    },
  ];
  for (const { title, bitmaps, published = week, kind = 'auto', since, reason } of cases)
    it(`says ${reason} when ${title}`, () => {
      expect(decideDisk(disk(bitmaps), published, kind, since)).toMatchObject({
        kind: 'full',
        reason,
        parent: null,
        merge: [],
      });
    });

  it('goes on with the chain that is there', () => {
    expect(decideDisk(disk(), week, 'full').previous).toBe(wednesday);
  });

  it('begins a chain where there is none', () => {
    expect(decideDisk(disk([]), week, 'full').previous).toBeNull();
  });

  it('names no predecessor that is inconsistent', () => {
    const bitmaps = [segment(monday, null, inconsistent)];

    expect(decideDisk(disk(bitmaps), week, 'auto').previous).toBeNull();
  });
});

describe('decideDisk, disk by disk', () => {
  it('decides for each disk alone', () => {
    const published = [
      { backupId: monday, disks: [{ ...vd1, kind: 'full' as const }, ...held(monday).disks] },
    ];
    const lost = { device: 'vd1', virtualBytes: GiB, bitmaps: [] };

    const kinds = [disk(), lost].map((one) => decideDisk(one, published, 'auto').kind);

    expect(kinds).toEqual(['incremental', 'full']);
  });
});
