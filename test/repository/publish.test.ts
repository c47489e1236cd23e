import { createHash } from 'node:crypto';
import { readdir, readFile, rm, symlink, truncate } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { BackupNotFoundError, BackupPublishedError } from '../../repository/errors.ts';
import {
  diskPath,
  manifestPath,
  partialPath,
  publishedPath,
  targetPath,
  vmPath,
} from '../../repository/layout.ts';
import { listBackups } from '../../repository/list.ts';
import { publish } from '../../repository/publish.ts';
import {
  instant,
  monday,
  origin,
  planOf,
  publishedBackup,
  temporaryRepository,
  tuesday,
  written,
} from './sample.ts';

describe('publish', () => {
  it('writes what the backup is, and the digests of its files', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await publishedBackup(folder, planOf(monday));
    const plan = planOf(tuesday, monday);
    await written(folder, plan);

    const manifest = await publish(folder, plan, instant, origin);

    const file = await readFile(diskPath(folder, 'web1', tuesday, 'vd1'));
    const text = await readFile(manifestPath(publishedPath(folder, 'web1', tuesday)), 'utf8');
    expect(JSON.parse(text)).toEqual(manifest);
    expect(manifest).toMatchObject({
      formatVersion: 1,
      vm: 'web1',
      backupId: tuesday,
      host: 'hv1',
      workflowId: 'backup/web1',
      runId: 'run-1',
      qemuVersion: '7.2.19',
      kind: 'incremental',
      parent: monday,
      takenAt: instant.takenAt,
      consistency: 'filesystem',
      shield: 'fleece',
      frozenMs: 12.5,
      pausedMs: 3,
      warnings: ['a warning'],
    });
    expect(manifest.disks[1]).toEqual({
      device: 'vd1',
      node: 'node-vd1',
      virtualBytes: 4 * 1024 ** 2,
      kind: 'incremental',
      reason: 'changes-since-parent',
      parent: monday,
      bitmap: `stillpoint:${tuesday}:${monday}:vd1`,
      bytes: file.length,
      sha256: createHash('sha256').update(file).digest('hex'),
      file: 'vd1.qcow2',
    });
    expect(await readdir(vmPath(folder, 'web1'))).toEqual([monday, tuesday]);
  });

  it('tells every byte that it reads', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    const plan = planOf(monday);
    await written(folder, plan);
    await truncate(targetPath(folder, 'web1', monday, 'vd0'), 5_000_000);
    const told: number[] = [];

    const { disks } = await publish(folder, plan, instant, origin, (bytes) => told.push(bytes));

    const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
    expect(sum(told)).toBe(sum(disks.map(({ bytes }) => bytes)));
    expect(told.length).toBeGreaterThan(5);
  });

  it('gives the same manifest when it is called again', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    const first = await publishedBackup(folder, planOf(monday));

    expect(await publish(folder, planOf(monday), instant, origin)).toEqual(first);
  });

  it('does not take the backup of another instant for its own', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await publishedBackup(folder, planOf(monday));
    const later = { ...instant, takenAt: '2026-11-24T03:00:00.000Z' };

    const again = publish(folder, planOf(monday), later, origin);

    await expect(again).rejects.toThrow(BackupPublishedError);
  });

  it('publishes nothing that was never written', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await publishedBackup(folder, planOf(monday));

    await expect(publish(folder, planOf(tuesday), instant, origin)).rejects.toThrow(
      BackupNotFoundError,
    );
  });

  it('publishes nothing that misses a disk', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    const plan = planOf(monday);
    await written(folder, plan);
    await rm(targetPath(folder, 'web1', monday, 'vd1'));

    const published = publish(folder, plan, instant, origin);

    await expect(published).rejects.toThrow(BackupNotFoundError);
    await expect(published).rejects.toThrow('vd1.qcow2: missing');
    expect(await listBackups(folder)).toEqual([]);
    expect(await readdir(partialPath(folder, 'web1', monday))).toEqual(['vd0.qcow2']);
  });

  it('publishes no file that lies elsewhere', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    const plan = planOf(monday);
    await written(folder, plan);
    const target = targetPath(folder, 'web1', monday, 'vd1');
    await rm(target);
    await symlink('/etc/hostname', target);

    await expect(publish(folder, plan, instant, origin)).rejects.toThrow(BackupNotFoundError);
  });

  const orphans = [
    { title: 'whose parent is gone', parent: monday, virtualBytes: 4 * 1024 ** 2 },
    { title: 'whose parent has another size', parent: tuesday, virtualBytes: 8 * 1024 ** 2 },
  ];
  for (const { title, parent, virtualBytes } of orphans)
    it(`publishes no backup ${title}`, async () => {
      await using repository = await temporaryRepository();
      const { folder } = repository;
      await publishedBackup(folder, planOf(tuesday));
      const plan = planOf('20261126T020000Z-0004', parent);
      const disks = plan.disks.map((disk) => ({ ...disk, virtualBytes }));
      await written(folder, plan);

      const published = publish(folder, { ...plan, disks }, instant, origin);

      await expect(published).rejects.toThrow(BackupNotFoundError);
      await expect(published).rejects.toThrow(parent);
    });
});
