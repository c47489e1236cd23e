import { describe, expect, it } from 'vitest';
import { Freeze, Instant, InstantRecord, Thaw } from '../../model/instant.ts';

const takenAt = '2026-11-24T02:00:05.000Z';

describe('what the steps around the instant tell each other', () => {
  const cases = [
    {
      title: 'an instant',
      schema: Instant,
      value: { takenAt, pausedMs: 3.1, held: true, freeze: { frozen: true, filesystems: 2 } },
    },
    {
      title: 'a freeze that failed',
      schema: Freeze,
      value: { frozen: false, filesystems: 0, trouble: 'no agent' },
    },
    {
      title: 'a freeze of less than was asked for',
      schema: Freeze,
      value: { frozen: true, filesystems: 1, asked: ['/', '/x'], known: ['/'], shortfall: 'no /x' },
    },
    { title: 'a thaw', schema: Thaw, value: { frozenMs: 41.3, held: true } },
    {
      title: 'the record of an instant',
      schema: InstantRecord,
      value: { takenAt, consistency: 'crash', frozenMs: 0, pausedMs: 3.1, warnings: [] },
    },
    {
      title: 'the record of an instant with what was frozen',
      schema: InstantRecord,
      value: {
        takenAt,
        consistency: 'filesystem',
        frozenMs: 40,
        pausedMs: 3.1,
        frozen: { filesystems: 2, known: ['/', '/data'] },
        warnings: [],
      },
    },
  ];
  for (const { title, schema, value } of cases)
    it(`takes ${title}, and nothing beside it`, () => {
      expect(schema.parse(value)).toEqual(value);
      expect(schema.safeParse({ ...value, path: '/etc/passwd' }).success).toBe(false);
    });
});
