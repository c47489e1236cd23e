import { describe, expect, it } from 'vitest';
import { commands } from '../../../qemu/qmp/commands.ts';

describe('commands', () => {
  const add = commands['blockdev-add'].args;
  const bitmap = { node: 'disk', name: 'stillpoint-tmp:x:00' };

  it('takes what the instant sends', () => {
    const filter = {
      driver: 'copy-before-write',
      'node-name': 'sp-x-00f',
      file: 'disk',
      target: 'sp-x-00s',
      bitmap,
      'on-cbw-error': 'break-snapshot',
      'cbw-timeout': 4,
    };
    const actions = [
      { type: 'block-dirty-bitmap-add', data: { ...bitmap, granularity: 65_536, disabled: true } },
      {
        type: 'block-dirty-bitmap-merge',
        data: { node: 'disk', target: 't', bitmaps: ['a', bitmap] },
      },
    ];

    expect(add.safeParse(filter).success).toBe(true);
    expect(commands.transaction.args.safeParse({ actions }).success).toBe(true);
  });

  it('takes a key that QEMU does not know from no node', () => {
    const node = { driver: 'snapshot-access', file: 'sp-x-00f', filename: '/etc/passwd' };

    expect(add.safeParse(node).success).toBe(false);
  });

  it('takes no driver that is not in the table', () => {
    expect(add.safeParse({ driver: 'vvfat', dir: '/' }).success).toBe(false);
  });

  it('takes no cbw-timeout that overflows on 7.2', () => {
    const filter = { driver: 'copy-before-write', file: 'd', target: 's', 'cbw-timeout': 45 };

    expect(add.safeParse(filter).success).toBe(false);
  });

  it('takes no action that is not in the table', () => {
    const actions = [{ type: 'blockdev-snapshot-sync', data: { device: 'd' } }];

    expect(commands.transaction.args.safeParse({ actions }).success).toBe(false);
  });
});
