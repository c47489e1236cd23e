import { describe, expect, it } from 'vitest';
import { freezeOutcome } from '../../../host/guard/freeze-outcome.ts';
import { Freeze } from '../../../model/instant.ts';

const known = [
  { name: 'vda1', mountpoint: '/' },
  { name: 'vda15', mountpoint: '/boot/efi' },
  { name: 'vdb', mountpoint: '/data' },
  { name: 'vdb', mountpoint: '/srv/data' },
];

describe('freezeOutcome', () => {
  it('tells how many were frozen, and where the guest had any', () => {
    expect(freezeOutcome(2, { asked: undefined, known })).toEqual({
      frozen: true,
      filesystems: 2,
      known: ['/', '/boot/efi', '/data', '/srv/data'],
    });
  });

  const cases = [
    { title: 'all of a list', count: 2, asked: ['/', '/data'], shortfall: undefined },
    { title: 'one that is mounted twice', count: 1, asked: ['/data', '/srv/data'] },
    {
      title: 'a mount point that is not there',
      count: 1,
      asked: ['/data', '/dta'],
      says: / \/dta;/,
    },
    { title: 'one that cannot be frozen', count: 1, asked: ['/', '/boot/efi'], says: /1 of the 2/ },
    {
      title: 'too few, of a guest that does not tell',
      count: 1,
      asked: ['/', '/x'],
      none: true,
      says: /1 of the 2/,
    },
    { title: 'enough, of a guest that does not tell', count: 2, asked: ['/', '/x'], none: true },
  ];
  for (const { title, count, asked, none, says } of cases)
    it(`${says ? 'names' : 'is content with'} ${title}`, () => {
      const { shortfall } = freezeOutcome(count, { asked, known: none ? undefined : known });
      expect(shortfall ?? 'nothing').toMatch(says ?? /^nothing$/);
    });

  it('takes from the guest what is short, and not too much of it', () => {
    const many = Array.from({ length: 300 }, (_, at) => ({ name: 'v', mountpoint: `/m${at}` }));
    const long = { name: 'v', mountpoint: `/${'x'.repeat(300)}` };

    const outcome = freezeOutcome(1, { asked: undefined, known: [long, ...many] });

    expect(outcome.known).toHaveLength(100);
    expect(outcome.known?.[0]).toBe('/m0');
    expect(Freeze.safeParse(outcome).success).toBe(true);
  });
});
