import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Stage } from '../../../demo/stage.ts';
import { copyJobs, setSpeed } from '../../../lab/copy-jobs.ts';
import { compare } from '../../../lab/compare.ts';
import { eventually } from '../../host/eventually.ts';
import { needFilter } from '../rig/need.ts';
import { buildStage, differing, guestWrites, holdCopy, leftovers } from './looking.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await buildStage();
});
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

const backUp = async () => (await stage.client.startBackup({ vm: 'web1' })).result();

/** The guest writes so much that the next copy has a middle. */
const writeBulk = async () =>
  stage.machine.guest.run('dd if=/dev/urandom of=/mnt/sp-vd0/bulk bs=1M count=48 conv=fsync', {
    timeoutMs: 120_000,
  });

/** Runs a command against the Temporal server, as an operator does. */
async function temporal(...command: string[]): Promise<void> {
  const { cli, address } = stage.product.temporal;
  await execa(cli, [...command, '--address', address]);
}

/** One guest and one worker for all of them: each finds what the one before has left. */
describe('the backup of a guest that writes all the time', () => {
  it('is made by a start with the Temporal CLI alone', async () => {
    const which = ['--task-queue', 'stillpoint', '--type', 'backupVm'];
    const input = ['--workflow-id', 'backup/web1', '--input', '{"vm":"web1"}'];
    await temporal('workflow', 'start', ...which, ...input);

    const backup = await stage.client.findBackup('web1');
    const result = await backup?.result();

    expect(result).toMatchObject({ vm: 'web1', kind: 'full', consistency: 'filesystem' });
    expect(result?.disks.map(({ device }) => device)).toEqual(['vd0', 'vd1']);
    expect(await differing(stage, result?.backupId ?? '')).toEqual([]);
  });

  it('holds the changes since the one before, of both disks at one instant', async () => {
    const result = await backUp();

    expect(result).toMatchObject({ kind: 'incremental', consistency: 'filesystem' });
    expect(await differing(stage, result.backupId)).toEqual([]);
    expect(await leftovers(stage)).toEqual([]);
  });

  it('goes on with the same jobs when the worker is killed and started again in the middle of the copy', async () => {
    await writeBulk();
    const { backup, jobs } = await holdCopy(stage);

    await stage.product.killWorker();
    await stage.product.restartWorker();

    expect(await copyJobs(stage.machine.labQmp)).toEqual(jobs);
    await setSpeed(stage.machine.labQmp, jobs, '0');
    const result = await backup.result();
    expect(await differing(stage, result.backupId)).toEqual([]);
    expect(await leftovers(stage)).toEqual([]);
  });

  it('leaves the guest running and thawed when the worker’s process group is killed with the guest stopped', async (context) => {
    await needFilter(context, stage.machine);
    const backup = await stage.client.startBackup({ vm: 'web1' });
    const stopped = new Promise<void>((resolve) => {
      const unlisten = stage.machine.labQmp.listen(({ event }) => {
        if (event !== 'STOP') return;
        unlisten();
        resolve();
      });
    });
    await stopped;
    await stage.product.killWorker();

    // No worker lives: it is the guard that lets the guest go.
    await guestWrites(stage);
    expect(await stage.machine.labQmp.execute('query-status', {})).toMatchObject({ running: true });

    await stage.product.restartWorker();
    const result = await backup.result();
    expect(result).toMatchObject({ kind: 'incremental', consistency: 'filesystem' });
    expect(await differing(stage, result.backupId)).toEqual([]);
    expect(await leftovers(stage)).toEqual([]);
  });

  it('is undone when it is cancelled in the middle of the copy, and the next one holds every change', async () => {
    await writeBulk();
    const { backup } = await holdCopy(stage);

    await stage.client.cancelRun('web1');

    await expect(backup.result()).rejects.toMatchObject({ name: 'BackupFailedError' });
    expect((await stage.client.getStatus('web1'))?.state).toBe('cancelled');
    expect(await leftovers(stage)).toEqual([]);
    const next = await backUp();
    expect(next).toMatchObject({ kind: 'incremental' });
    expect(await differing(stage, next.backupId)).toEqual([]);
  });

  it('is cleaned up by a worker that starts when it was terminated, and the next one holds every change', async () => {
    await writeBulk();
    await holdCopy(stage);

    await temporal('workflow', 'terminate', '--workflow-id', 'backup/web1');
    await stage.product.killWorker();
    await stage.product.restartWorker();

    await eventually(async () => (await leftovers(stage)).length === 0);
    const next = await backUp();
    expect(next).toMatchObject({ kind: 'incremental' });
    expect(await differing(stage, next.backupId)).toEqual([]);
  });

  it('goes on when the Temporal server is killed and started again in the middle of the copy', async () => {
    await writeBulk();
    const { backup, jobs } = await holdCopy(stage);

    await stage.product.temporal.kill();
    await guestWrites(stage);
    await stage.product.temporal.restart();

    await setSpeed(stage.machine.labQmp, jobs, '0');
    const result = await backup.result();
    expect(await differing(stage, result.backupId)).toEqual([]);
    expect(await leftovers(stage)).toEqual([]);
  });

  it('is restored as it was, and its files then need no repository', async () => {
    const { backupId } = await backUp();
    const held = stage.tap.copies.at(-1)?.files ?? new Map<string, string>();
    const to = join(stage.product.folder, 'restored');
    await mkdir(to);
    const cli = new URL('../../../dist/client/cli.js', import.meta.url).pathname;

    const args = ['restore', 'web1', backupId, '--to', to, '--config', stage.product.config];
    await execa(process.execPath, [cli, ...args]);

    expect(held.size).toBe(2);
    for (const [device, copy] of held) {
      const file = join(to, `${device}.qcow2`);
      expect(await compare(file, copy)).toBe('identical');
      const { stdout } = await execa('qemu-img', ['info', '--output=json', file]);
      expect(JSON.parse(stdout)).not.toHaveProperty('backing-filename');
    }
  });
});
