import { describe, expect, it } from 'vitest';
import { copiesStarted, slowCopies, takesInstant, type Sent } from '../../lab/copies-started.ts';

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

  it('leaves a job that is slower', () => {
    const line = JSON.stringify({ execute: 'blockdev-backup', arguments: { speed: 1 } });

    expect(JSON.parse(slowCopies(line, 1_000))).toMatchObject({ arguments: { speed: 1 } });
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

describe('takesInstant', () => {
  it('is a transaction whose jobs read a disk', () => {
    expect(takesInstant({ name: 'transaction', copied: ['sp-x-00n', 'disk0'] })).toBe(true);
    expect(takesInstant({ name: 'transaction', copied: ['#block123'] })).toBe(true);
  });

  it('is not one whose jobs read what lies behind a filter, nor one without jobs', () => {
    expect(takesInstant({ name: 'transaction', copied: ['sp-x-00a'] })).toBe(false);
    expect(takesInstant({ name: 'transaction', copied: [] })).toBe(false);
  });

  it('is no job by itself', () => {
    expect(takesInstant({ name: 'blockdev-backup', copied: ['disk0'] })).toBe(false);
  });
});

describe('copiesStarted', () => {
  it('finds the jobs of a transaction, in either spelling, and one alone', () => {
    const job = (type: string) => ({ type, data: { device: type } });
    const actions = [job('drive-backup'), job('block-dirty-bitmap-add'), job('blockdev-backup')];
    const devices = (sent: Sent) => copiesStarted(sent).map(({ device }) => device);

    expect(devices({ execute: 'transaction', arguments: { actions } })).toEqual([
      'drive-backup',
      'blockdev-backup',
    ]);
    expect(devices({ execute: 'blockdev-backup', arguments: { device: 'd' } })).toEqual(['d']);
    expect(devices({ execute: 'stop' })).toEqual([]);
  });
});
