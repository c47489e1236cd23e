import { describe, expect, it } from 'vitest';
import { slowCopies, startsAtInstant } from '../../lab/copies-started.ts';

describe('slowCopies', () => {
  it('slows the copy jobs of a transaction, and nothing beside them', () => {
    const bitmap = { type: 'block-dirty-bitmap-add', data: { node: 'a', name: 'b' } };
    const job = { type: 'blockdev-backup', data: { 'job-id': 'j' } };
    const line = JSON.stringify({ execute: 'transaction', arguments: { actions: [bitmap, job] } });

    expect(JSON.parse(slowCopies(line, 1_000))).toEqual({
      execute: 'transaction',
      arguments: { actions: [bitmap, { ...job, data: { ...job.data, speed: 1_000 } }] },
    });
  });

  it('slows a copy job that is started alone', () => {
    const line = JSON.stringify({
      execute: 'blockdev-backup',
      arguments: { 'job-id': 'j' },
      id: 1,
    });

    expect(JSON.parse(slowCopies(line, 1_000))).toMatchObject({
      arguments: { 'job-id': 'j', speed: 1_000 },
      id: 1,
    });
  });

  it('leaves every other line as it is', () => {
    for (const line of ['{"execute": "stop"}', 'not JSON']) expect(slowCopies(line, 1)).toBe(line);
  });
});

const transaction = (type: string, device: string) =>
  JSON.stringify({
    execute: 'transaction',
    arguments: {
      actions: [
        { type: 'block-dirty-bitmap-add', data: {} },
        { type, data: { device } },
      ],
    },
    id: '1',
  });

describe('startsAtInstant', () => {
  it('is a transaction whose job reads a disk, in either spelling', () => {
    expect(startsAtInstant(transaction('blockdev-backup', 'disk0'))).toBe(true);
    expect(startsAtInstant(transaction('drive-backup', '#block123'))).toBe(true);
  });

  it('is not one whose jobs read what lies behind a filter', () => {
    expect(startsAtInstant(transaction('blockdev-backup', 'sp-20261127T184548Z-a420-00a'))).toBe(
      false,
    );
  });

  it('is no other command, whatever it names', () => {
    const alone = { execute: 'blockdev-backup', arguments: { device: 'disk0' } };
    expect(startsAtInstant(JSON.stringify(alone))).toBe(false);
    expect(startsAtInstant(transaction('block-dirty-bitmap-add', 'disk0'))).toBe(false);
    expect(startsAtInstant('not JSON')).toBe(false);
  });
});
