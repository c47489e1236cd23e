import { describe, expect, it } from 'vitest';
import { segmentName } from '../../model/names.ts';
import { chainOf, droppable, segmentsOf, tidyingOf, type Tidying } from '../../model/segments.ts';
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

const [ofMonday = '', ofTuesday = '', ofWednesday = ''] = threeDays.map(({ name }) => name);
const published =
  (...ids: readonly string[]) =>
  (backupId: string) =>
    ids.includes(backupId);

describe('segmentsOf', () => {
  it('leaves out what is not a segment of ours', () => {
    const others = ['theirs', `stillpoint-tmp:${monday}:00`, 'stillpoint:x:none:vd0'];
    const bitmaps = others.map((name) => ({ ...segment(monday, null), name }));

    expect(segmentsOf([...bitmaps, ...threeDays]).map(({ name }) => name)).toEqual([
      ofMonday,
      ofTuesday,
      ofWednesday,
    ]);
  });
});

describe('chainOf', () => {
  const cases = [
    {
      title: 'is the way from the head to the first',
      bitmaps: threeDays,
      chain: [wednesday, tuesday, monday],
    },
    {
      title: 'does not depend on the order of the bitmaps',
      bitmaps: threeDays.toReversed(),
      chain: [wednesday, tuesday, monday],
    },
    { title: 'is empty when nothing records', bitmaps: threeDays.slice(0, 2), chain: [] },
    {
      title: 'ends where a link is missing',
      bitmaps: [segment(monday, null), segment(wednesday, tuesday, recording)],
      chain: [wednesday],
    },
    {
      title: 'ends before a segment that is inconsistent',
      bitmaps: [
        segment(monday, null),
        segment(tuesday, monday, inconsistent),
        segment(wednesday, tuesday, recording),
      ],
      chain: [wednesday],
    },
    {
      title: 'begins behind an inconsistent head, where its predecessor records',
      bitmaps: [
        segment(monday, null, recording),
        segment(tuesday, monday, { ...recording, ...inconsistent }),
      ],
      chain: [monday],
    },
    {
      title: 'begins at the newer one when two record',
      bitmaps: [segment(tuesday, monday, recording), segment(monday, null, recording)],
      chain: [tuesday, monday],
    },
    {
      title: 'begins at the newest of those that nobody names',
      bitmaps: [segment(monday, null, recording), segment(wednesday, tuesday, recording)],
      chain: [wednesday],
    },
  ];
  for (const { title, bitmaps, chain } of cases)
    it(`the chain ${title}`, () => {
      expect(chainOf({ device: 'vd0', bitmaps }).map(({ backupId }) => backupId)).toEqual(chain);
    });
});

/** The rows of the table "the cleaner sees | it does" that are about segments. */
describe('tidyingOf', () => {
  const remove = (bitmap: string): Tidying => ({ do: 'remove', bitmap });
  const mergeBack = (newest: string, into: string): Tidying => ({ do: 'merge-back', newest, into });
  const outside = segment(thursday, null);
  const cases = [
    {
      title: 'removes an inconsistent segment',
      bitmaps: [segment(monday, null, inconsistent)],
      ids: [monday],
      steps: [remove(ofMonday)],
    },
    {
      title: 'merges nothing when the newest is published',
      bitmaps: threeDays,
      ids: [wednesday],
      steps: [],
    },
    {
      title: 'merges a newest that is not published into its predecessor',
      bitmaps: threeDays,
      ids: [monday, tuesday],
      steps: [mergeBack(ofWednesday, ofTuesday)],
    },
    {
      title: 'merges back again, as far as the newest that is published',
      bitmaps: threeDays,
      ids: [monday],
      steps: [mergeBack(ofWednesday, ofTuesday), mergeBack(ofTuesday, ofMonday)],
    },
    {
      title: 'removes a newest that is not published and has no predecessor',
      bitmaps: [segment(monday, null, recording)],
      ids: [],
      steps: [remove(ofMonday)],
    },
    {
      title: 'ends with nothing when no backup of the chain is published',
      bitmaps: threeDays.slice(1),
      ids: [monday],
      steps: [mergeBack(ofWednesday, ofTuesday), remove(ofTuesday)],
    },
    {
      title: 'does the same when both the newest and its predecessor record',
      bitmaps: [segment(monday, null, recording), segment(tuesday, monday, recording)],
      ids: [monday],
      steps: [mergeBack(ofTuesday, ofMonday)],
    },
    {
      title: 'removes a segment outside of the newest recording chain',
      bitmaps: [...threeDays, outside],
      ids: [wednesday, thursday],
      steps: [remove(outside.name)],
    },
    {
      title: 'removes what cannot be reached over a missing link',
      bitmaps: [segment(monday, null), segment(wednesday, tuesday, recording)],
      ids: [monday, wednesday],
      steps: [remove(ofMonday)],
    },
    {
      title: 'removes resting segments when nothing records',
      bitmaps: threeDays.slice(0, 2),
      ids: [monday, tuesday],
      steps: [remove(ofMonday), remove(ofTuesday)],
    },
    {
      title: 'removes what was recorded for another device, whose image this was',
      bitmaps: [
        segment(monday, null, recording),
        { ...segment(tuesday, monday, recording), name: segmentName('vd1', tuesday, monday) },
      ],
      ids: [monday, tuesday],
      steps: [remove(segmentName('vd1', tuesday, monday))],
    },
    {
      title: 'touches no bitmap of others',
      bitmaps: [{ ...segment(monday, null, recording), name: 'theirs' }],
      ids: [],
      steps: [],
    },
  ];
  for (const { title, bitmaps, ids, steps } of cases)
    it(`the cleaner ${title}`, () =>
      expect(tidyingOf({ device: 'vd0', bitmaps }, published(...ids))).toEqual(steps));
});

describe('droppable', () => {
  const all = [monday, tuesday, wednesday];
  const cases = [
    { title: 'is nothing when every segment is needed', ids: all, keep: 32, dropped: [] },
    {
      title: 'is what exceeds the number to keep, from the oldest end',
      ids: all,
      keep: 1,
      dropped: [ofMonday, ofTuesday],
    },
    {
      title: 'is the oldest of which no backup is published',
      ids: [tuesday, wednesday],
      keep: 32,
      dropped: [ofMonday],
    },
    {
      title: 'is none behind an older one that is needed',
      ids: [monday, wednesday],
      keep: 32,
      dropped: [],
    },
    { title: 'is never the head', ids: [], keep: 1, dropped: [ofMonday, ofTuesday] },
  ];
  for (const { title, ids, keep, dropped } of cases)
    it(`what may go ${title}`, () =>
      expect(droppable({ device: 'vd0', bitmaps: threeDays }, published(...ids), keep)).toEqual(
        dropped,
      ));

  it('what may go is nothing that is not a part of the chain', () => {
    expect(droppable({ device: 'vd0', bitmaps: threeDays.slice(0, 2) }, published(), 1)).toEqual(
      [],
    );
  });
});
