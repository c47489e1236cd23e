import { describe, expect, it } from 'vitest';
import { BackupPlan, type DiskPlan } from '../../model/plan.ts';
import { monday, tuesday } from './segment-names.ts';

const disk: DiskPlan = {
  index: 0,
  device: 'vd0',
  node: '#block123',
  virtualBytes: 1024 ** 3,
  persistent: true,
  kind: 'incremental',
  reason: 'changes-since-parent',
  parent: monday,
  previous: monday,
  merge: [`stillpoint:${monday}:none`],
  expectedBytes: 65_536,
};

const plan: BackupPlan = {
  vm: 'web1',
  backupId: tuesday,
  qemuVersion: '7.2.22',
  shield: 'fleece',
  quiesce: 'preferred',
  secondPass: true,
  kind: 'incremental',
  parent: monday,
  maxFreezeSeconds: 10,
  targetStallSeconds: 60,
  expectedBytes: 65_536,
  warnings: [],
  disks: [disk],
};

describe('BackupPlan', () => {
  it('takes a plan as it was made', () => {
    expect(BackupPlan.parse(plan)).toEqual(plan);
  });

  it('survives the way through a payload', () => {
    expect(BackupPlan.parse(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
  });

  const refused: { title: string; changes: object }[] = [
    { title: 'a VM that leads out of the repository', changes: { vm: '../web1' } },
    { title: 'an id that leads out of the repository', changes: { backupId: `../${tuesday}` } },
    { title: 'a parent that is a path', changes: { parent: '/etc' } },
    { title: 'a path of its own', changes: { targetPath: '/etc/passwd' } },
    { title: 'a freeze of more than a minute', changes: { maxFreezeSeconds: 61 } },
    { title: 'no disk', changes: { disks: [] } },
    {
      title: 'more disks than two digits count',
      changes: { disks: Array.from({ length: 101 }, () => disk) },
    },
  ];
  for (const { title, changes } of refused)
    it(`refuses ${title}`, () =>
      expect(BackupPlan.safeParse({ ...plan, ...changes }).success).toBe(false));

  const refusedDisks: { title: string; changes: object }[] = [
    { title: 'whose device leads out of the folder', changes: { device: '../vd0' } },
    { title: 'whose device is a path', changes: { device: '/dev/sda' } },
    { title: 'whose device is a hidden file', changes: { device: '.vd0' } },
    { title: 'whose parent leads out of the repository', changes: { parent: `../web2/${monday}` } },
    { title: 'whose predecessor is no backup', changes: { previous: 'none' } },
    { title: 'with a path of its own', changes: { file: '/etc/passwd' } },
    { title: 'whose position has no two digits', changes: { index: 100 } },
    { title: 'without a node', changes: { node: '' } },
    { title: 'of no size', changes: { virtualBytes: 0 } },
    { title: 'that merges a bitmap without a name', changes: { merge: [''] } },
  ];
  for (const { title, changes } of refusedDisks)
    it(`refuses a disk ${title}`, () => {
      const disks = [{ ...disk, ...changes }];

      expect(BackupPlan.safeParse({ ...plan, disks }).success).toBe(false);
    });
});
