import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { vm, type Stage } from '../../../demo/stage.ts';
import { compare } from '../../../lab/compare.ts';
import type { ServedDisk } from '../../../model/export.ts';
import { runCli } from '../../client/run-cli.ts';
import { blocksOf, readPage } from '../../docs/pages.ts';
import { eventually } from '../../host/eventually.ts';
import { readers, refresh } from '../rig/consumer.ts';
import { needShield } from '../rig/need.ts';
import { buildStage, guestWrites, leftovers } from './looking.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await buildStage();
});
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});
beforeEach(async (context) => needShield(context, stage.machine, 'fleece'));

/** Runs a command line as an operator does. */
async function cli(...argv: string[]) {
  const { config } = stage.product;
  const { exitCode, messages } = await runCli([...argv, '--json', '--config', config]);
  return { exitCode, last: messages().at(-1), messages: messages() };
}

/** Starts an export and leaves it, as a script does; where its disks are. */
async function exported(...options: string[]): Promise<ServedDisk[]> {
  const { exitCode, messages } = await cli('export', vm, '--detach', ...options);
  expect(exitCode).toBe(0);
  const served = messages.find(({ type }) => type === 'served');
  return (served as unknown as { disks: ServedDisk[] }).disks;
}

const keptOf = (device: string) => join(stage.machine.folder, `kept-${device}.raw`);

/** What a consumer keeps of each disk is what the disk held at the last instant. */
async function expectKept(disks: readonly ServedDisk[]): Promise<void> {
  const held = stage.tap.copies.at(-1)?.files;
  for (const { device } of disks)
    expect(await compare(keptOf(device), held?.get(device) ?? '')).toBe('identical');
}

/** One guest and one worker for all of them: each finds what the one before has left. */
describe('the export of a guest that writes all the time', { timeout: 600_000 }, () => {
  it('is read by the commands that the page tells, and is exact', async () => {
    const disks = await exported('--quiesce', 'required');

    for (const disk of disks) {
      await asThePageTells(disk);
      await readers.nbdcopy(disk.uri, keptOf(disk.device));
    }
    const { exitCode, last } = await cli('export-complete', vm);

    expect(exitCode).toBe(0);
    expect(last).toMatchObject({ type: 'finished', outcome: 'completed', kind: 'full' });
    expect(last).toMatchObject({ consistency: 'filesystem' });
    await expectKept(disks);
    expect(await leftovers(stage)).toEqual([]);
  });

  it('goes on when its worker is killed, and the next worker completes it', async () => {
    const disks = await exported();

    await stage.product.killWorker();
    for (const disk of disks) await refresh(disk, keptOf(disk.device));
    await stage.product.restartWorker();
    for (const disk of disks) await asThePageTells(disk);
    const { last } = await cli('export-complete', vm);

    expect(last).toMatchObject({ outcome: 'completed', kind: 'incremental' });
    await expectKept(disks);
    expect(await leftovers(stage)).toEqual([]);
  });

  it('is shown by status, and ended by cancel', async () => {
    const disks = await exported();

    const shown = await cli('status', vm);
    const all = await cli('status');
    const cancelled = await cli('cancel', vm);

    expect(shown.messages).toMatchObject([
      {
        type: 'status',
        operation: 'export',
        state: 'running',
        phase: 'serving',
        kind: 'incremental',
        served: disks,
        servedUntil: expect.stringMatching(/Z$/),
        frozenMs: expect.any(Number),
        pausedMs: expect.any(Number),
      },
      { type: 'finished', running: 1 },
    ]);
    expect(all.messages).toEqual(shown.messages);
    expect(cancelled.last).toMatchObject({ cancelling: true, workflowId: `export/${vm}` });
    await eventually(async () =>
      expect((await cli('status', vm)).messages[0]).toMatchObject({ state: 'cancelled' }),
    );
    expect(await leftovers(stage)).toEqual([]);
    expect(await cli('cancel', vm)).toMatchObject({
      exitCode: 1,
      last: { error: { type: 'NothingRunningError' } },
    });
  });

  it('leaves nothing when it is discarded, nor when it is terminated', async () => {
    await exported();
    expect((await cli('backup', vm)).last).toMatchObject({ error: { type: 'VmBusyError' } });
    expect((await cli('export-discard', vm)).last).toMatchObject({ outcome: 'discarded' });
    expect((await cli('status', vm)).messages[0]).toMatchObject({
      operation: 'export',
      state: 'completed',
      outcome: 'discarded',
      pausedMs: expect.any(Number),
    });
    expect(await leftovers(stage)).toEqual([]);
    await exported();
    const { cli: temporal, address } = stage.product.temporal;
    const which = ['--workflow-id', `export/${vm}`, '--address', address];
    await execa(temporal, ['workflow', 'terminate', ...which]);

    // A worker sweeps when it starts.
    await stage.product.killWorker();
    await stage.product.restartWorker();

    await eventually(async () => expect(await leftovers(stage)).toEqual([]));
    await guestWrites(stage);
    const disks = await exported();
    for (const disk of disks) await refresh(disk, keptOf(disk.device));
    expect((await cli('export-complete', vm)).last).toMatchObject({ kind: 'incremental' });
    await expectKept(disks);
    expect((await cli('export-complete', vm)).last).toMatchObject({
      error: { type: 'NoExportRunningError' },
    });
  });
});

/** Runs each line of the page's block that reads an export, as it stands there. */
async function asThePageTells({ device, uri, context }: ServedDisk): Promise<void> {
  const block = blocksOf(await readPage('docs/exports.md')).find(({ text }) =>
    text.includes('$URI'),
  );
  const lines = block?.text.trim().split('\n') ?? [];
  expect(lines.length).toBeGreaterThan(3);
  const cwd = stage.machine.folder;
  const SOCKET = new URL(uri).searchParams.get('socket') ?? '';
  for (const line of lines) {
    // A full export has no bitmap to read.
    if (context === null && line.includes('$CONTEXT')) continue;
    const env = { URI: uri, DEVICE: device, SOCKET, CONTEXT: context ?? '' };
    await execa('sh', ['-c', line], { cwd, env });
  }
  for (const file of ['full.raw', 'full.qcow2']) await rm(join(cwd, file));
}
