import { describe, expect, it } from 'vitest';
import { backupIdOf } from '../../model/backup-id.ts';
import { BackupId } from '../../model/names.ts';

const start = new Date('2026-11-24T02:05:01.987Z');
const runId = '019ab2f0-5c1d-7e3a-9f00-1c2d3e4f3fa9';

describe('backupIdOf', () => {
  it('is the start to the second, in UTC, and the last four digits of the run id', () => {
    expect(backupIdOf(start, runId)).toBe('20261124T020501Z-3fa9');
  });

  it('is a backup id', () => {
    expect(BackupId.safeParse(backupIdOf(start, runId)).success).toBe(true);
  });

  it('is another one for a run that starts in the same second', () => {
    expect(backupIdOf(start, runId.replace(/.$/, '8'))).not.toBe(backupIdOf(start, runId));
  });

  it('sorts by time', () => {
    const ids = ['2026-11-24T02:05:02Z', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'].map(
      (time) => backupIdOf(new Date(time), runId),
    );

    expect(ids.toSorted()).toEqual(ids);
  });
});
