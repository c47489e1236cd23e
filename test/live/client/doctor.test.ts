import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { queryAbilities } from '../../../capture/abilities.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { QmpClient } from '../../../qemu/qmp/client.ts';
import { RemoteRepository } from '../../../repository/remote.ts';
import { openRepository } from '../../../repository/mark.ts';
import { runCli, type CliRun } from '../../client/run-cli.ts';
import { writtenInventory } from '../../client/written-inventory.ts';

const entry = fileURLToPath(new URL('../../../dist/repository/child.js', import.meta.url));

/** Runs doctor on a VM with this QMP socket, without a Temporal server. */
async function doctor(qmp: string): Promise<CliRun> {
  await using inventory = await writtenInventory(
    `{ web1: { qmp: ${qmp} } }`,
    'temporal: { address: "127.0.0.1:1" }',
  );
  await openRepository(inventory.repository, { create: true });
  await mkdir(join(inventory.folder, 'state'), { mode: 0o700 });
  return await runCli(['doctor', '--json', '--config', inventory.file], {
    openRepository: (folder) => new RemoteRepository(folder, { entry }),
  });
}

/** What doctor says of one thing. */
function found({ messages }: CliRun, check: string): object | undefined {
  return messages().find((message) => message['check'] === check);
}

describe('stillpoint doctor', () => {
  it('finds a QEMU, its shields and its disks, and that Temporal is missing', async () => {
    await using machine = await startQemu();

    const run = await doctor(machine.qmpSocket);

    expect(run.exitCode).toBe(1);
    expect(found(run, 'qmp')).toMatchObject({ vm: 'web1', state: 'ok' });
    expect(found(run, 'disks')).toMatchObject({ state: 'ok', message: '1 writable' });
    expect(found(run, 'repository')).toMatchObject({ state: 'ok' });
    expect(found(run, 'qemu-img')).toMatchObject({ state: 'ok' });
    expect(found(run, 'qemu-nbd')).toMatchObject({ state: 'ok' });
    expect(found(run, 'temporal')).toMatchObject({ state: 'problem' });
    expect(run.messages().at(-1)).toMatchObject({
      type: 'failed',
      error: { type: 'ProblemsFoundError', message: expect.stringContaining('One thing has') },
    });
  });

  it('says of the shield what the worker will find', async () => {
    await using machine = await startQemu();
    const { fleecing } = await abilitiesAt(machine.qmpSocket);

    const run = await doctor(machine.qmpSocket);

    const said = fleecing ? { state: 'ok' } : { state: 'warning' };
    expect(found(run, 'shield')).toMatchObject(said);
  });

  it('says that another client holds the socket', async () => {
    await using machine = await startQemu();
    await using _ = await QmpClient.connect(machine.qmpSocket, AbortSignal.timeout(5_000));

    const run = await doctor(machine.qmpSocket);

    expect(found(run, 'qmp')).toMatchObject({
      state: 'problem',
      message: expect.stringContaining('another client holds this socket'),
    });
  });
});

async function abilitiesAt(socket: string) {
  await using qmp = await QmpClient.connect(socket, AbortSignal.timeout(5_000));
  return await queryAbilities(qmp);
}
