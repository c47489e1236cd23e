import { describe, expect, it } from 'vitest';
import { startsCopyOfDisk } from '../../lab/starts-copy.ts';

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

describe('startsCopyOfDisk', () => {
  it('is a transaction whose job reads a disk, in either spelling', () => {
    expect(startsCopyOfDisk(transaction('blockdev-backup', 'disk0'))).toBe(true);
    expect(startsCopyOfDisk(transaction('drive-backup', '#block123'))).toBe(true);
  });

  it('is not one whose jobs read what lies behind a filter', () => {
    expect(startsCopyOfDisk(transaction('blockdev-backup', 'sp-20261127T184548Z-a420-00a'))).toBe(
      false,
    );
  });

  it('is no other command, whatever it names', () => {
    const alone = { execute: 'blockdev-backup', arguments: { device: 'disk0' } };
    expect(startsCopyOfDisk(JSON.stringify(alone))).toBe(false);
    expect(startsCopyOfDisk(transaction('block-dirty-bitmap-add', 'disk0'))).toBe(false);
    expect(startsCopyOfDisk('not JSON')).toBe(false);
  });
});
