import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../model/manifest.ts';
import { backupChain, soundBackups } from '../../repository/chain.ts';
import { BackupNotFoundError } from '../../repository/errors.ts';
import { monday, tuesday, wednesday } from './sample.ts';

/** A manifest with the parents of its disks. */
function manifest(backupId: string, parents: Record<string, string | null>): Manifest {
  const kind = (parent: string | null) => (parent === null ? 'full' : 'incremental');
  return {
    formatVersion: 1,
    vm: 'web1',
    backupId,
    host: 'hv1',
    qemuVersion: '7.2.19',
    workflowId: 'backup/web1',
    runId: 'run-1',
    kind: 'incremental',
    parent: null,
    takenAt: '2026-11-24T02:00:05.000Z',
    publishedAt: '2026-11-24T02:01:00.000Z',
    consistency: 'crash',
    shield: 'fleece',
    frozenMs: 0,
    pausedMs: 0,
    warnings: [],
    disks: Object.entries(parents).map(([device, parent]) => ({
      device,
      node: device,
      virtualBytes: 1024,
      kind: kind(parent),
      reason: 'first-backup',
      parent,
      bitmap: '',
      bytes: 1,
      sha256: '0'.repeat(64),
      file: `${device}.qcow2`,
    })),
  };
}

const week = [
  manifest(monday, { vd0: null, vd1: null }),
  manifest(tuesday, { vd0: monday, vd1: null }),
  manifest(wednesday, { vd0: tuesday, vd1: tuesday, vd2: null }),
];

describe('backupChain', () => {
  const cases = [
    { backupId: monday, device: 'vd0', chain: [monday] },
    { backupId: wednesday, device: 'vd0', chain: [wednesday, tuesday, monday] },
    { backupId: wednesday, device: 'vd1', chain: [wednesday, tuesday] },
    { backupId: wednesday, device: 'vd2', chain: [wednesday] },
  ];
  for (const { backupId, device, chain } of cases)
    it(`leads from ${backupId} to the full backup of ${device}`, () => {
      const links = backupChain(week, backupId, device);

      expect(links.map((link) => link.backupId)).toEqual(chain);
      expect(links.every(({ disk }) => disk.device === device)).toBe(true);
      expect(links.at(-1)?.disk.kind).toBe('full');
    });

  const broken = [
    { title: 'the backup itself is missing', manifests: week.slice(0, 2), missing: wednesday },
    { title: 'a parent is missing', manifests: week.slice(1), missing: monday },
    {
      title: 'a parent does not hold the disk',
      manifests: [manifest(monday, { vd1: null }), ...week.slice(1)],
      missing: monday,
    },
    {
      title: 'the chain goes round in a circle',
      manifests: [manifest(monday, { vd0: wednesday }), ...week.slice(1)],
      missing: wednesday,
    },
  ];
  for (const { title, manifests, missing } of broken)
    it(`names the backup when ${title}`, () => {
      const follow = () => backupChain(manifests, wednesday, 'vd0');

      expect(follow).toThrow(BackupNotFoundError);
      expect(follow).toThrow(missing);
    });
});

describe('soundBackups', () => {
  it('shows planning every disk of a whole week', () => {
    expect(soundBackups(week)).toEqual(week.map(({ backupId, disks }) => ({ backupId, disks })));
  });

  it('leaves out the disks that build on what is gone, and no others', () => {
    const sound = soundBackups(week.slice(1));

    const devices = sound.map(({ backupId, disks }) => [backupId, disks.map((d) => d.device)]);
    expect(devices).toEqual([
      [tuesday, ['vd1']],
      [wednesday, ['vd1', 'vd2']],
    ]);
  });
});
