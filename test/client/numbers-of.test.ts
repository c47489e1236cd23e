import { describe, expect, it } from 'vitest';
import { numbersOf } from '../../client/numbers-of.ts';

describe('numbersOf', () => {
  it('takes from the result of an export how it ended, and how long the guest stood still', () => {
    const result = {
      vm: 'web1',
      backupId: '20261124T020501Z-3fa9',
      outcome: 'discarded',
      kind: 'full',
      parent: null,
      consistency: 'crash',
      frozenMs: 0,
      pausedMs: 2,
      warnings: [],
      disks: [],
    };

    expect(numbersOf(result)).toEqual({
      backupId: '20261124T020501Z-3fa9',
      outcome: 'discarded',
      kind: 'full',
      consistency: 'crash',
      frozenMs: 0,
      pausedMs: 2,
    });
  });

  it.each([undefined, null, {}])('finds nothing in %j', (result) => {
    expect(numbersOf(result)).toEqual({});
  });
});
