import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { StillpointClient } from '../../../client/stillpoint-client.ts';
import { endReceivers } from '../../../host/receivers.ts';
import { statePaths } from '../../../host/state-paths.ts';
import { compare } from '../../../lab/compare.ts';
import { copyJobs, setSpeed } from '../../../lab/copy-jobs.ts';
import { copyOfDisk } from '../../../lab/copy-of-disk.ts';
import { startInstantTap } from '../../../lab/instant-tap.ts';
import type { Machine } from '../../../lab/machine.ts';
import { Product } from '../../../lab/product.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { findReceivers } from '../../../qemu/receiver/find-receivers.ts';
import { eventually } from '../../host/eventually.ts';
import { mountOrSkip } from '../file-system.ts';
import { hungThreads } from '../hung-threads.ts';
import { needFilter } from '../rig/need.ts';

const MiB = 1024 ** 2;
/** More than the threads of libuv's pool, which is what does a worker's file system work. */
const manyTimes = 5;

/** The guest changes its disk, and a backup then holds it, byte by byte. */
async function backUpAndCompare(
  client: StillpointClient,
  { vm, machine, repository }: { vm: string; machine: Machine; repository: string },
  pattern: number,
): Promise<string> {
  await machine.device(machine.disk()).write(pattern, { offset: 16 * MiB, bytes: 8 * MiB });
  const { backupId, kind } = await (await client.startBackup({ vm })).result();
  const copy = await copyOfDisk(machine, machine.disk());
  expect(await compare(join(repository, vm, backupId, 'vd0.qcow2'), copy)).toBe('identical');
  return kind;
}

async function ourNodes({ labQmp }: Machine): Promise<string[]> {
  const nodes = await labQmp.execute('query-named-block-nodes', { flat: true });
  return nodes.flatMap((node) => node['node-name'] ?? []).filter((name) => name.startsWith('sp-'));
}

it('a worker backs up its other VMs while the target of one hangs, and loses no thread to it', async (context) => {
  await using files = await mountOrSkip(context, 256);
  await using machine = await startQemu();
  await needFilter(context, machine);
  await using tap = await startInstantTap(machine);
  await using other = await startQemu();
  const repository = join(files.path, 'backups');
  await mkdir(repository);
  const vms = {
    hung: { qmp: tap.qmpSocket, repository, targetStallSeconds: 2 },
    well: { qmp: other.qmpSocket },
  };
  await using product = await Product.start({ vms });
  const connection = { address: product.temporal.address };
  await using client = await StillpointClient.connect({ connection, namespace: 'default' });
  const hung = { vm: 'hung', machine, repository };
  const well = { vm: 'well', machine: other, repository: product.repository };
  // Whatever happens, nothing may keep the file system from being unmounted.
  await using _ = {
    [Symbol.asyncDispose]: async () => {
      await files.recover();
      await machine.kill();
      await endReceivers(statePaths(product.state), 'hung');
    },
  };
  await backUpAndCompare(client, hung, 1);
  await machine.device(machine.disk()).write(2, { offset: 32 * MiB, bytes: 24 * MiB });
  tap.copySpeed = MiB;
  const failing = await client.startBackup({ vm: 'hung' });
  await eventually(async () => (await client.getStatus('hung'))?.step?.activity === 'watchCopy');
  tap.copySpeed = undefined;
  await files.hang();
  await setSpeed(machine.labQmp, await copyJobs(machine.labQmp), '0');
  const receivers = await findReceivers(statePaths(product.state).vm('hung').run);
  const pids = receivers.map(({ pid }) => pid).join(',');
  await eventually(async () => (await hungThreads('-p', pids)) > 0);

  const kinds: string[] = [];
  for (let time = 1; time <= manyTimes; time++)
    kinds.push(await backUpAndCompare(client, well, time));

  expect(kinds).toEqual(['full', ...Array<string>(manyTimes - 1).fill('incremental')]);
  await expect(failing.result()).rejects.toMatchObject({
    name: 'BackupFailedError',
    message: expect.stringContaining('no progress for 2 s'),
  });
  expect(await ourNodes(machine)).toEqual([]);

  // One that meets the target hanging from its start on is tried, and given up, again and again.
  const vain = await client.startBackup({ vm: 'hung' });
  await eventually(async () => (await hungThreads('--ppid', String(product.workerPid))) > 0);
  for (let time = 1; time <= manyTimes; time++)
    expect(await backUpAndCompare(client, well, 100 + time)).toBe('incremental');
  await eventually(async () => (await hungThreads('-p', String(product.workerPid))) === 0);
  expect((await vain.status()).state).toBe('running');

  await files.recover();
  expect(await vain.result()).toMatchObject({ kind: 'incremental' });
  expect(await backUpAndCompare(client, hung, 3)).toBe('incremental');
}, 300_000);
