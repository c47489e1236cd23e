import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Client, Connection } from '@temporalio/client';
import { execa } from 'execa';
import { StillpointClient } from '../../../client/stillpoint-client.ts';
import { startTemporal } from '../../../lab/start-temporal.ts';
import type { TemporalServer } from '../../../lab/temporal-server.ts';
import { runCli, type CliRun } from '../../client/run-cli.ts';
import { writtenInventory, type WrittenInventory } from '../../client/written-inventory.ts';
import { progress, result, startActedWorker, type ActedWorker } from './acted-worker.ts';

let temporal: TemporalServer;
let inventory: WrittenInventory;
let client: StillpointClient;
let worker: ActedWorker | undefined;

beforeAll(async () => {
  temporal = await startTemporal();
  inventory = await inventoryOf(temporal);
  client = await connected();
});

afterEach(async () => {
  // Whatever a test leaves running must not meet the next one.
  const left = await client.findBackup('web1');
  if ((await left?.status())?.state === 'running')
    await temporalCli('terminate', '--workflow-id', left?.workflowId ?? '');
  await worker?.[Symbol.asyncDispose]();
  worker = undefined;
});

afterAll(async () => {
  await client.close();
  await inventory[Symbol.asyncDispose]();
  await temporal[Symbol.asyncDispose]();
});

function connected(namespace = 'default'): Promise<StillpointClient> {
  return StillpointClient.connect({ connection: { address: temporal.address }, namespace });
}

async function inventoryOf({ address }: TemporalServer): Promise<WrittenInventory> {
  return writtenInventory(undefined, `temporal: { address: "${address}" }`);
}

/** Runs a command line against the server, under --json. */
async function cli(argv: string[], onStdout: (text: string) => void = () => {}): Promise<CliRun> {
  return runCli([...argv, '--json', '--config', inventory.file], { onStdout });
}

async function temporalCli(...argv: string[]): Promise<void> {
  await execa(temporal.cli, ['workflow', ...argv, '--address', temporal.address]);
}

/** Starts a backup and waits until its copy is under way. */
async function copying() {
  const backup = await client.startBackup({ vm: 'web1' });
  await expect.poll(async () => (await backup.status()).progress, patience).toEqual(progress);
  return backup;
}

const patience = { timeout: 30_000, interval: 100 };

describe('StillpointClient', () => {
  it('starts a backup, shows how far it is, and returns what came of it', async () => {
    worker = await startActedWorker(temporal.address);
    const backup = await copying();

    const status = await client.getStatus('web1');
    worker.letCopyEnd();

    expect(status).toMatchObject({
      vm: 'web1',
      workflowId: 'backup/web1',
      state: 'running',
      phase: 'copying',
      progress,
      kind: 'full',
      expectedBytes: 2048,
      consistency: 'filesystem',
      frozenMs: 40,
      pausedMs: 3,
      step: { activity: 'watchCopy', state: 'running' },
    });
    expect(await backup.result()).toEqual(result);
    expect(await client.getStatus('web1')).toMatchObject({ state: 'completed' });
  });

  it('starts no second backup beside a running one', async () => {
    await client.startBackup({ vm: 'web1' });

    await expect(client.startBackup({ vm: 'web1' })).rejects.toMatchObject({
      name: 'BackupRunningError',
      workflowId: 'backup/web1',
    });
  });

  it('refuses a request that makes no sense before Temporal has it', async () => {
    await expect(client.startBackup({ vm: '../etc' })).rejects.toMatchObject({
      name: 'UsageError',
    });
  });

  it('tells what a backup is for in the Web UI', async () => {
    await client.startBackup({ vm: 'web1', kind: 'full' });

    const connection = await Connection.connect({ address: temporal.address });
    const { workflow } = new Client({ connection });
    const description = await workflow.getHandle('backup/web1').describe();
    expect(await description.staticSummary()).toBe('Backup of web1 (full)');
    await connection.close();
  });

  it('finds the running backup that a schedule started', async () => {
    const what = ['--type', 'backupVm', '--task-queue', 'stillpoint', '--input', '{"vm":"web1"}'];
    await temporalCli('start', ...what, '--workflow-id', 'backup/web1-2026-11-24T02:00:00Z');

    await expect
      .poll(() => client.getStatus('web1'), patience)
      .toMatchObject({ workflowId: 'backup/web1-2026-11-24T02:00:00Z', state: 'running' });
    expect(await client.listRunning()).toMatchObject([{ vm: 'web1' }]);
  });

  it('undoes a backup that is cancelled', async () => {
    worker = await startActedWorker(temporal.address);
    const backup = await copying();

    await client.cancelRun('web1');

    await expect(backup.result()).rejects.toMatchObject({ type: 'CancelledFailure' });
    expect(worker.begun).toContain('rollbackBackup');
    expect(worker.begun).not.toContain('publishBackup');
  });

  it('waits for a lost host no longer when a backup is abandoned', async () => {
    worker = await startActedWorker(temporal.address, { hostGone: true });
    const backup = await copying();
    await client.cancelRun('web1');
    await expect.poll(async () => (await backup.status()).phase, patience).toBe('rolling-back');

    await client.cancelRun('web1', { abandon: true });

    await expect(backup.result()).rejects.toMatchObject({ name: 'BackupFailedError' });
  });

  it('says that there is nothing to cancel', async () => {
    await expect(client.cancelRun('web1')).rejects.toMatchObject({
      name: 'NothingRunningError',
    });
  });

  it('says that a namespace is not there', async () => {
    await using elsewhere = await connected('nowhere');

    await expect(elsewhere.startBackup({ vm: 'web1' })).rejects.toMatchObject({
      name: 'TemporalRefusedError',
      message: expect.stringContaining('has no namespace nowhere'),
    });
  });
});

describe('stillpoint backup', () => {
  it('follows a backup to its end', async () => {
    worker = await startActedWorker(temporal.address);
    const { letCopyEnd } = worker;

    const { exitCode, messages } = await cli(['backup', 'web1'], (line) => {
      if (line.includes('"progress"')) letCopyEnd();
    });

    expect(exitCode).toBe(0);
    const [first, ...rest] = messages();
    expect(first).toMatchObject({ type: 'started', vm: 'web1', workflowId: 'backup/web1' });
    expect(rest).toContainEqual({ type: 'progress', vm: 'web1', step: 'copying', ...progress });
    expect(rest.at(-1)).toEqual({ type: 'finished', ...result });
  });

  it('ends with 4 when the VM is busy', async () => {
    worker = await startActedWorker(temporal.address, { busy: true });

    const { exitCode, messages } = await cli(['backup', 'web1']);

    expect(exitCode).toBe(4);
    expect(messages().at(-1)).toEqual({
      type: 'failed',
      error: { type: 'VmBusyError', message: 'web1: another backup runs' },
    });
  });

  it('ends with 4 when one runs already', async () => {
    await client.startBackup({ vm: 'web1' });

    const { exitCode, messages } = await cli(['backup', 'web1']);

    expect(exitCode).toBe(4);
    expect(messages().at(-1)).toMatchObject({ error: { type: 'BackupRunningError' } });
  });

  it('says that no worker polls, and leaves the backup running when it is interrupted', async () => {
    // A server of its own: nobody has ever polled it.
    await using fresh = await startTemporal();
    await using other = await inventoryOf(fresh);
    const argv = ['backup', 'web1', '--json', '--config', other.file];
    const interrupted = new AbortController();

    const { exitCode, messages } = await runCli(argv, {
      interrupted: interrupted.signal,
      onStdout: (line) => {
        if (line.includes('"waiting"')) interrupted.abort();
      },
    });

    expect(exitCode).toBe(130);
    expect(messages().slice(1)).toEqual([
      { type: 'waiting', vm: 'web1', taskQueue: 'stillpoint', pollers: 0 },
      {
        type: 'failed',
        error: {
          type: 'InterruptedError',
          message:
            'web1: no longer followed. The backup goes on (workflow backup/web1). Cancel it: stillpoint cancel web1',
        },
      },
    ]);
  });

  it('goes on following when Temporal is restarted', async () => {
    worker = await startActedWorker(temporal.address);
    const run = cli(['backup', 'web1']);
    const seen = async () => (await client.getStatus('web1'))?.progress;
    await expect.poll(seen, patience).toEqual(progress);

    await temporal.restart();
    worker.letCopyEnd();
    const { exitCode, messages } = await run;

    expect(exitCode).toBe(0);
    expect(messages().at(-1)).toEqual({ type: 'finished', ...result });
  });

  it('returns at once with --detach', async () => {
    const { exitCode, messages } = await cli(['backup', 'web1', '--detach']);

    expect(exitCode).toBe(0);
    expect(messages().at(-1)).toEqual({
      type: 'finished',
      vm: 'web1',
      workflowId: 'backup/web1',
      detached: true,
    });
  });
});

describe('stillpoint status and cancel', () => {
  it('shows what runs', async () => {
    worker = await startActedWorker(temporal.address);
    await copying();
    const seen = async () => (await client.listRunning()).length;
    await expect.poll(seen, patience).toBe(1);

    const { exitCode, messages } = await cli(['status']);

    expect(exitCode).toBe(0);
    expect(messages()).toMatchObject([
      { type: 'status', vm: 'web1', state: 'running', phase: 'copying', progress },
      { type: 'finished', running: 1 },
    ]);
  });

  it('shows why the last backup failed', async () => {
    worker = await startActedWorker(temporal.address, { busy: true });
    await cli(['backup', 'web1']);

    const { messages } = await cli(['status', 'web1']);

    expect(messages()).toMatchObject([
      {
        type: 'status',
        state: 'failed',
        failure: { type: 'VmBusyError', message: 'web1: another backup runs' },
      },
      { type: 'finished', running: 0 },
    ]);
  });

  it('asks a backup to stop', async () => {
    worker = await startActedWorker(temporal.address);
    const backup = await copying();

    const { exitCode, messages } = await cli(['cancel', 'web1']);

    expect(exitCode).toBe(0);
    expect(messages()).toEqual([
      {
        type: 'finished',
        vm: 'web1',
        workflowId: 'backup/web1',
        cancelling: true,
        abandoned: false,
      },
    ]);
    await expect(backup.result()).rejects.toMatchObject({ type: 'CancelledFailure' });
  });

  it('ends with 1 when there is nothing to cancel', async () => {
    const { exitCode, messages } = await cli(['cancel', 'web1']);

    expect(exitCode).toBe(1);
    expect(messages()).toMatchObject([{ error: { type: 'NothingRunningError' } }]);
  });
});
