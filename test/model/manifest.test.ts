import { describe, expect, it } from 'vitest';
import { Manifest, RepositoryMark, type ManifestDisk } from '../../model/manifest.ts';
import { monday, tuesday } from './segment-names.ts';

const disk: ManifestDisk = {
  device: 'vd0',
  node: '#block123',
  virtualBytes: 1024 ** 3,
  kind: 'incremental',
  reason: 'changes-since-parent',
  parent: monday,
  bitmap: `stillpoint:${tuesday}:${monday}`,
  bytes: 196_608,
  sha256: 'ab'.repeat(32),
  file: 'vd0.qcow2',
};

const manifest: Manifest = {
  formatVersion: 1,
  vm: 'web1',
  backupId: tuesday,
  host: 'hv1',
  qemuVersion: '7.2.22',
  workflowId: 'backup/web1',
  runId: '019ab2f0-5c1d-7e3a-9f00-1c2d3e4f0002',
  kind: 'incremental',
  parent: monday,
  takenAt: '2026-11-24T02:00:05.000Z',
  publishedAt: '2026-11-24T02:01:00.000Z',
  consistency: 'filesystem',
  shield: 'fleece',
  frozenMs: 41.3,
  pausedMs: 3.1,
  warnings: [],
  disks: [disk],
};

describe('Manifest', () => {
  it('is read as it was written', () => {
    expect(Manifest.parse(JSON.parse(JSON.stringify(manifest)))).toEqual(manifest);
  });

  const refused: { title: string; changes: object }[] = [
    { title: 'a version that is still to come', changes: { formatVersion: 2 } },
    { title: 'a VM that leads out of the repository', changes: { vm: '../web1' } },
    { title: 'an id that leads out of the repository', changes: { backupId: `../${tuesday}` } },
    { title: 'a parent that leads out of the repository', changes: { parent: '../../etc' } },
    { title: 'a time that is none', changes: { takenAt: 'yesterday' } },
    { title: 'a time with no zone', changes: { takenAt: '2026-11-24T02:00:05' } },
    { title: 'a pause of negative length', changes: { pausedMs: -1 } },
    { title: 'a consistency that nobody promises', changes: { consistency: 'application' } },
    { title: 'no disk', changes: { disks: [] } },
    { title: 'a field that its version does not have', changes: { compressed: true } },
  ];
  for (const { title, changes } of refused)
    it(`refuses ${title}`, () =>
      expect(Manifest.safeParse({ ...manifest, ...changes }).success).toBe(false));

  const refusedDisks: { title: string; changes: object }[] = [
    { title: 'whose device leads out of the folder', changes: { device: '../vd0' } },
    { title: 'whose parent leads out of the repository', changes: { parent: '../../etc' } },
    { title: 'whose digest is cut short', changes: { sha256: 'ab'.repeat(31) } },
    { title: 'whose digest is no hexadecimal number', changes: { sha256: 'xy'.repeat(32) } },
    { title: 'of no size', changes: { virtualBytes: 0 } },
    { title: 'that went full for a reason that nobody knows', changes: { reason: 'why not' } },
  ];
  for (const { title, changes } of refusedDisks)
    it(`refuses a disk ${title}`, () => {
      const disks = [{ ...disk, ...changes }];

      expect(Manifest.safeParse({ ...manifest, disks }).success).toBe(false);
    });
});

describe('RepositoryMark', () => {
  const repositoryId = '7f1c6f0e-3b5e-4c59-9d57-1d6b1b0f5a11';

  it('refuses a repository of another format', () => {
    expect(RepositoryMark.safeParse({ formatVersion: 1, repositoryId }).success).toBe(true);
    expect(RepositoryMark.safeParse({ formatVersion: 2, repositoryId }).success).toBe(false);
  });
});
