import { describe, expect, it } from 'vitest';
import { trackingBelow, type ChainNode } from '../../model/under-snapshots.ts';
import { segmentName } from '../../model/names.ts';
import type { SeenBitmap } from '../../model/segments.ts';
import {
  inconsistent,
  monday,
  recording,
  segment,
  threeDays,
  tuesday,
  wednesday,
} from './segment-names.ts';

const GiB = 1024 ** 3;

function node(name: string, bitmaps: readonly SeenBitmap[] = [], is: Partial<ChainNode> = {}) {
  return { node: name, format: 'qcow2', virtualBytes: GiB, separateData: false, bitmaps, ...is };
}

const published = [monday, tuesday, wednesday].map((backupId) => ({
  backupId,
  disks: [{ device: 'vd0', virtualBytes: GiB, kind: 'full' as const }],
}));
const wanted = { device: 'vd0', published, kind: 'auto' as const };
const torn = threeDays.map((one) => ({ ...one, ...inconsistent }));
const names = threeDays.map(({ name }) => name);

describe('trackingBelow', () => {
  it('finds the chain of segments below an overlay', () => {
    expect(trackingBelow([node('overlay'), node('base', threeDays)], wanted)).toEqual({
      from: 'base',
      overlays: ['overlay'],
      segments: [
        { name: names[2], recording: true },
        { name: names[1], recording: false },
        { name: names[0], recording: false },
      ],
    });
  });

  it('takes all overlays above the nearest node that is tracked', () => {
    const chain = [node('two'), node('one'), node('near', threeDays), node('far', threeDays)];

    expect(trackingBelow(chain, wanted)).toMatchObject({ from: 'near', overlays: ['two', 'one'] });
  });

  it('passes over bitmaps that a crash has left inconsistent', () => {
    const chain = [node('two'), node('one', torn), node('base', threeDays)];

    expect(trackingBelow(chain, wanted)).toMatchObject({ from: 'base', overlays: ['two', 'one'] });
  });

  it('takes the base in any format', () => {
    const chain = [node('overlay'), node('base', threeDays, { format: 'raw' })];

    expect(trackingBelow(chain, wanted)).toMatchObject({ from: 'base' });
  });

  const none = [
    { title: 'without overlays', chain: [node('base', threeDays)] },
    { title: 'that is tracked itself', chain: [node('o', threeDays), node('b', threeDays)] },
    { title: 'above an image that never was backed up', chain: [node('o'), node('b')] },
    {
      title: 'above an image of another device',
      chain: [
        node('o'),
        node('b', [
          { ...segment(monday, null, recording), name: segmentName('vd1', monday, null) },
        ]),
      ],
    },
  ];
  for (const { title, chain } of none)
    it(`finds nothing below a disk ${title}`, () => {
      expect(trackingBelow(chain, wanted)).toBeUndefined();
    });

  const tracked = node('base', threeDays);
  const refused = [
    {
      title: 'an overlay in another format',
      chain: [node('o', [], { format: 'vmdk' }), tracked],
      why: /no plain qcow2/,
    },
    {
      title: 'the filter of a job',
      chain: [node('o'), node('#block1', [], { format: 'mirror_top' }), tracked],
      why: /#block1/,
    },
    {
      title: 'an overlay with its data in another file',
      chain: [node('o', [], { separateData: true }), tracked],
      why: /no plain qcow2/,
    },
    {
      title: 'an overlay of another size',
      chain: [node('o', [], { virtualBytes: 2 * GiB }), tracked],
      why: /resized/,
    },
    {
      title: 'bitmaps without one that records',
      chain: [node('o'), node('base', [segment(monday, null)])],
      why: /no backup/,
    },
    {
      title: 'inconsistent bitmaps alone',
      chain: [node('o'), node('base', torn)],
      why: /no backup/,
    },
  ];
  for (const { title, chain, why } of refused)
    it(`says why it cannot go on: ${title}`, () => {
      expect(trackingBelow(chain, wanted)).toMatch(why);
    });

  it('says so when the backups that it leads to are gone', () => {
    const chain = [node('o'), tracked];

    expect(trackingBelow(chain, { ...wanted, published: [] })).toMatch(/no backup/);
  });
});
