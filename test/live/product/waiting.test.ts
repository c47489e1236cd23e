import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, it, type TestContext } from 'vitest';
import { StillpointClient } from '../../../client/stillpoint-client.ts';
import { endReceivers } from '../../../host/receivers.ts';
import { statePaths } from '../../../host/state-paths.ts';
import { compare } from '../../../lab/compare.ts';
import { copyOfDisk } from '../../../lab/copy-of-disk.ts';
import { copyJobs, setSpeed } from '../../../lab/copy-jobs.ts';
import { startInstantTap } from '../../../lab/instant-tap.ts';
import type { BackupResult } from '../../../model/result.ts';
import { Product } from '../../../lab/product.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { eventually } from '../../host/eventually.ts';
import { mountOrSkip } from '../file-system.ts';
import { needFilter } from '../rig/need.ts';

const MiB = 1024 ** 2;
const program = fileURLToPath(new URL('../../../dist/client/cli.js', import.meta.url));
type Line = Record<string, unknown>;

/** A backup that waits for an operator, for its repository is full; `operated` plays him. */
async function whileItWaits(
  context: TestContext,
  operated: (scene: {
    readonly cli: (
      ...argv: string[]
    ) => Promise<{ exitCode: number | undefined; last: Line; first: Line }>;
    readonly product: Product;
    readonly free: () => Promise<void>;
    readonly isWaiting: () => Promise<void>;
    readonly ended: () => Promise<BackupResult>;
    readonly differs: (backupId: string, when: 'then' | 'now') => Promise<string>;
  }) => Promise<void>,
): Promise<void> {
  await using files = await mountOrSkip(context, 256);
  await using machine = await startQemu();
  await needFilter(context, machine);
  await using tap = await startInstantTap(machine);
  const repository = join(files.path, 'backups');
  await mkdir(repository);
  const vms = { web1: { qmp: tap.qmpSocket, repository, onTargetError: 'enospc' } };
  await using product = await Product.start({ vms });
  const connection = { address: product.temporal.address };
  await using client = await StillpointClient.connect({ connection, namespace: 'default' });
  // Whatever happens, nothing may keep the file system from being unmounted.
  await using _ = {
    [Symbol.asyncDispose]: async () => {
      await machine.kill();
      await endReceivers(statePaths(product.state), 'web1');
    },
  };
  const cli = async (...argv: string[]) => {
    const options = ['--json', '--config', product.config];
    const { exitCode, stdout } = await execa('node', [program, ...argv, ...options], {
      reject: false,
    });
    const lines = stdout.split('\n').map((line) => JSON.parse(line) as Line);
    return { exitCode, first: lines[0] ?? {}, last: lines.at(-1) ?? {} };
  };
  const write = async (pattern: number, offset: number) =>
    machine.device(machine.disk()).write(pattern, { offset, bytes: 24 * MiB });
  await (await client.startBackup({ vm: 'web1' })).result();
  await write(1, 16 * MiB);
  // So slow that there is a middle, at which the target is filled.
  tap.copySpeed = MiB;
  // The machine does not run, so nobody writes but this test.
  const disk = machine.disk();
  const then = await copyOfDisk(machine, disk, 'then');
  const backup = await client.startBackup({ vm: 'web1' });
  const isCopying = async () => (await client.getStatus('web1'))?.phase === 'copying';
  await eventually(isCopying);
  tap.copySpeed = undefined;
  await files.fill();
  await setSpeed(machine.labQmp, await copyJobs(machine.labQmp), '0');
  // Not in the backup: the guest writes on behind the shield.
  await write(2, 16 * MiB);
  await operated({
    cli,
    product,
    free: async () => files.free(),
    isWaiting: async () =>
      void (await eventually(
        async () => (await cli('status', 'web1')).first['phase'] === 'waiting',
      )),
    ended: async () => backup.result(),
    differs: async (backupId, when) => {
      const held = when === 'then' ? then : await copyOfDisk(machine, disk, 'now');
      return compare(join(repository, 'web1', backupId, 'vd0.qcow2'), held);
    },
  });
}

it('an operator reads why a copy waits, resumes it over a killed worker, and it is exact', async (context) => {
  await whileItWaits(context, async ({ cli, product, free, isWaiting, ended, differs }) => {
    await isWaiting();

    const { first: status } = await cli('status', 'web1');
    const early = await cli('resume', 'web1');
    await product.killWorker();
    await product.restartWorker();
    await isWaiting();
    const still = await cli('resume', 'web1');
    await free();
    // Freed room takes its time, and a write that was under way may fail only now.
    const result = ended();
    const end = { isThere: false };
    const over = result.finally(() => (end.isThere = true));
    over.catch(() => undefined);
    while (!end.isThere) await cli('resume', 'web1');

    expect(status).toMatchObject({
      type: 'status',
      state: 'running',
      waiting: {
        disks: [{ device: 'vd0', error: 'no-space', operation: 'write' }],
        neededBytes: expect.any(Number),
        until: expect.any(String),
      },
    });
    for (const refused of [early, still])
      expect(refused).toMatchObject({
        exitCode: 1,
        last: { type: 'failed', error: { type: 'NoSpaceError' } },
      });
    const { backupId, kind } = await result;
    expect(kind).toBe('incremental');
    expect(await differs(backupId, 'then')).toBe('identical');
  });
}, 300_000);

it('an operator aborts a copy that waits, and the next backup holds every change', async (context) => {
  await whileItWaits(context, async ({ cli, free, isWaiting, ended, differs }) => {
    await isWaiting();

    const aborted = await cli('abort', 'web1');

    expect(aborted).toMatchObject({ exitCode: 0, last: { type: 'finished', aborted: true } });
    await expect(ended()).rejects.toMatchObject({ type: 'BackupAbortedError' });
    await free();
    const next = await cli('backup', 'web1');
    expect(next).toMatchObject({ exitCode: 0, last: { type: 'finished', kind: 'incremental' } });
    expect(await differs(String(next.last['backupId']), 'now')).toBe('identical');
  });
}, 300_000);
