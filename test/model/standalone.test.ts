import { describe, expect, it } from 'vitest';
import { segmentName, spentMark } from '../../model/names.ts';
import type { SeenBitmap } from '../../model/segments.ts';
import { standaloneTidyingOf } from '../../model/standalone.ts';
import { monday, recording, segment, tuesday, wednesday } from './segment-names.ts';

const ofMonday = segment(monday, null, recording);
const ofTuesday = segment(tuesday, monday, recording);
const ofWednesday = segment(wednesday, tuesday, recording);
const spentBy = (backupId: string) => segment(monday, null, { name: spentMark(backupId, 0) });

/** What is left of a disk's bitmaps, and what goes, in its order. */
function tidied(bitmaps: readonly SeenBitmap[], published: readonly string[]) {
  const steps = standaloneTidyingOf({ device: 'vd0', bitmaps }, (id) => published.includes(id));
  const removed = steps.map((step) => (step.do === 'remove' ? step.bitmap : ''));
  const left = bitmaps.map(({ name }) => name).filter((name) => !removed.includes(name));
  return { left, removed };
}

describe('standaloneTidyingOf', () => {
  const cases = [
    {
      title: 'keeps the segment of the newest published backup alone',
      bitmaps: [ofMonday, ofTuesday],
      published: [monday, tuesday],
      left: [ofTuesday],
    },
    {
      title: 'keeps the predecessor of a run that has spent nothing',
      bitmaps: [ofMonday, ofTuesday],
      published: [monday],
      left: [ofMonday],
    },
    {
      title: 'trusts nothing older than a run that has spent it and did not publish',
      bitmaps: [ofMonday, ofTuesday, spentBy(tuesday)],
      published: [monday],
      left: [],
    },
    {
      title: 'keeps the segment of a run that has spent its predecessor and has published',
      bitmaps: [ofMonday, ofTuesday, spentBy(tuesday)],
      published: [monday, tuesday],
      left: [ofTuesday],
    },
    {
      title: 'believes the newest note',
      bitmaps: [ofTuesday, ofWednesday, spentBy(tuesday), spentBy(wednesday)],
      published: [monday, tuesday],
      left: [],
    },
    {
      title: 'trusts nothing where the segment of the one that has spent is gone',
      bitmaps: [ofMonday, spentBy(tuesday)],
      published: [monday, tuesday],
      left: [],
    },
    {
      title: 'removes what is of another device, does not record, or is broken',
      bitmaps: [
        segment(monday, null, { ...recording, name: segmentName('vd1', monday, null) }),
        segment(tuesday, monday),
        segment(wednesday, tuesday, { ...recording, inconsistent: true }),
      ],
      published: [monday, tuesday, wednesday],
      left: [],
    },
  ];
  for (const { title, bitmaps, published, left } of cases)
    it(`the clean-up ${title}`, () =>
      expect(tidied(bitmaps, published).left).toEqual(left.map(({ name }) => name)));

  it('removes the notes last, for what they speak of must not outlive them', () => {
    const { removed } = tidied([spentBy(tuesday), ofMonday, ofTuesday], [monday]);

    expect(removed).toEqual([ofMonday.name, ofTuesday.name, spentMark(tuesday, 0)]);
  });

  it('leaves what is not ours', () => {
    const theirs = segment(monday, null, { name: 'theirs' });

    expect(tidied([theirs, ofMonday], [monday]).removed).toEqual([]);
  });
});
