import { describe, expect, it } from 'vitest';
import { shieldOf, tierFor } from '../../model/tier.ts';

const [v2, v3, v4, v5, v7] = [
  { fleecing: false, bitmapSync: false, merging: false, exporting: false },
  { fleecing: false, bitmapSync: false, merging: true, exporting: false },
  { fleecing: false, bitmapSync: false, merging: true, exporting: true },
  { fleecing: false, bitmapSync: true, merging: true, exporting: true },
  { fleecing: true, bitmapSync: true, merging: true, exporting: true },
];

describe('tierFor', () => {
  const cases = [
    { title: 'fleece from 7.1 on', features: v7, wanted: {}, tier: 'fleece' },
    { title: 'direct from 4.2 on', features: v5, wanted: {}, tier: 'direct' },
    { title: 'direct where a shield costs much', features: v5, wanted: {}, tier: 'direct' },
    {
      title: 'one by a job for who asks',
      features: v5,
      wanted: { shield: 'fleece' },
      tier: 'fleece-job',
    },
    {
      title: 'one by a job where nothing but that and merging is there',
      features: v4,
      wanted: { shield: 'fleece' },
      tier: 'fleece-job',
    },
    {
      title: 'one by a job if named',
      features: v7,
      wanted: { tier: 'fleece-job' },
      tier: 'fleece-job',
    },
    { title: 'merge from 3.1 on', features: v3, wanted: {}, tier: 'merge' },
    { title: 'grouped below', features: v2, wanted: {}, tier: 'grouped' },
    { title: 'direct without a shield', features: v7, wanted: { shield: 'none' }, tier: 'direct' },
    { title: 'the one that is named', features: v7, wanted: { tier: 'merge' }, tier: 'merge' },
    { title: 'the one of that shield', features: v7, wanted: { shield: 'fleece' }, tier: 'fleece' },
  ] as const;
  for (const { title, features, wanted, tier } of cases)
    it(`is ${title}`, () => expect(tierFor(features, wanted)).toEqual({ tier }));

  const refusals = [
    { title: 'a shield that QEMU has not', features: v3, wanted: { shield: 'fleece' } },
    { title: 'a tier that QEMU has not', features: v5, wanted: { tier: 'fleece' } },
    { title: 'the oldest tier where jobs show more', features: v3, wanted: { tier: 'grouped' } },
    {
      title: 'a differential where each copy spends its bitmap',
      features: v2,
      wanted: { kind: 'differential' },
    },
    {
      title: 'a tier without that shield',
      features: v7,
      wanted: { shield: 'fleece', tier: 'merge' },
    },
  ] as const;
  for (const { title, features, wanted } of refusals)
    it(`refuses ${title}`, () =>
      expect(tierFor(features, wanted)).toEqual({ refused: expect.any(String) }));
});

it('only those that fleece have a shield', () => {
  for (const tier of ['fleece', 'fleece-job'] as const) expect(shieldOf(tier)).toBe('fleece');
  for (const tier of ['direct', 'merge', 'grouped'] as const) expect(shieldOf(tier)).toBe('none');
});
