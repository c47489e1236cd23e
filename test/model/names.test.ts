import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backupIdOf } from '../../model/backup-id.ts';
import {
  BackupId,
  deviceName,
  DeviceName,
  isTemporaryBitmap,
  ourName,
  parseOurName,
  parseSegmentName,
  segmentName,
  temporaryBitmapName,
  VmName,
  type Role,
} from '../../model/names.ts';
import { monday, tuesday } from './segment-names.ts';

const roles: readonly Role[] = ['t', 's', 'f', 'a', 'j', 'k', 'p'];
const backupId = fc
  .tuple(
    fc.date({ min: new Date(0), max: new Date(8_640_000_000_000), noInvalidDate: true }),
    fc.uuid(),
  )
  .map(([start, runId]) => backupIdOf(start, runId));
const index = fc.integer({ min: 0, max: 99 });

describe('ourName', () => {
  it('is read again as it was made', () => {
    fc.assert(
      fc.property(backupId, index, fc.constantFrom(...roles), (backupId, disk, role) => {
        expect(parseOurName(ourName(backupId, disk, role))).toEqual({ backupId, disk, role });
      }),
    );
  });

  it('is what QEMU takes: a letter first, no colon, 31 characters at most', () => {
    fc.assert(
      fc.property(backupId, index, fc.constantFrom(...roles), (...of) => {
        expect(ourName(...of)).toMatch(/^[a-z][A-Za-z0-9-]{0,30}$/);
      }),
    );
  });
});

describe('parseOurName', () => {
  const foreign = [
    'vd0-node',
    '#block123',
    'their-filter',
    'sp-backup-00t',
    `sp-${monday}-00q`,
    `sp-${monday}-0t`,
    `sp-${monday}-100t`,
    `sp-${monday}-00tt`,
    ` sp-${monday}-00t`,
    `my-sp-${monday}-00t`,
    `sp-${monday}-00t\n`,
  ];
  for (const name of foreign)
    it(`leaves ${JSON.stringify(name)} to others`, () =>
      expect(parseOurName(name)).toBeUndefined());
});

describe('segmentName', () => {
  it('is read again as it was made', () => {
    fc.assert(
      fc.property(fc.string(), backupId, fc.option(backupId), (raw, backupId, previous) => {
        const device = deviceName(raw);
        const name = segmentName(device, backupId, previous);
        expect(parseSegmentName(name)).toEqual({ device, backupId, previous });
      }),
    );
  });

  const foreign = [
    'theirs',
    'stillpoint',
    `stillpoint:${monday}`,
    `stillpoint:${monday}:`,
    `stillpoint:${monday}:none`,
    `stillpoint:${monday}:none:`,
    `stillpoint:${monday}:nobody:vd0`,
    `stillpoint:${monday}:none:vd0:more`,
    `stillpoint-tmp:${monday}:00`,
    `their-stillpoint:${monday}:none:vd0`,
  ];
  for (const name of foreign)
    it(`is not ${name}`, () => expect(parseSegmentName(name)).toBeUndefined());
});

describe('temporaryBitmapName', () => {
  it('is told from segments, and from what is not ours', () => {
    const ours = temporaryBitmapName(monday, 3);

    expect(ours).toBe(`stillpoint-tmp:${monday}:03`);
    expect(isTemporaryBitmap(ours)).toBe(true);
    const others = [segmentName('vd0', tuesday, monday), `${ours}0`, 'tmp', 'stillpoint-tmp:x:00'];
    expect(others.filter(isTemporaryBitmap)).toEqual([]);
  });
});

describe('deviceName', () => {
  it('is safe as a file name, whatever the device is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 150 }), (raw) => {
        expect(DeviceName.safeParse(deviceName(raw)).success).toBe(true);
      }),
    );
  });

  const cases = [
    { raw: 'vd0', name: 'vd0' },
    { raw: '#block123', name: '_block123' },
    { raw: '../etc/passwd', name: '_._etc_passwd' },
    { raw: '.hidden', name: '_hidden' },
    { raw: '-rf', name: '_rf' },
    { raw: '', name: '_' },
  ];
  for (const { raw, name } of cases)
    it(`makes ${JSON.stringify(name)} of ${JSON.stringify(raw)}`, () =>
      expect(deviceName(raw)).toBe(name));
});

describe('VmName', () => {
  for (const name of ['web1', '1', 'A.b_c-d', 'x'.repeat(63)])
    it(`takes ${name}`, () => expect(VmName.safeParse(name).success).toBe(true));

  for (const name of [
    '',
    '.',
    '-web',
    '_web',
    'a..b',
    'a/b',
    'a b',
    'wéb',
    'web\n',
    'x'.repeat(64),
  ])
    it(`refuses ${JSON.stringify(name)}`, () => expect(VmName.safeParse(name).success).toBe(false));
});

describe('BackupId', () => {
  for (const id of ['20261123T020000Z-000g', '20261123T020000Z-00001', `../${monday}`, 'none', ''])
    it(`refuses ${JSON.stringify(id)}`, () => expect(BackupId.safeParse(id).success).toBe(false));
});
