import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { examineVm } from '../../../client/doctor/examine-vm.ts';
import { Inventory } from '../../../model/inventory.ts';
import { vmConfig, type VmConfig } from '../../../model/vm-config.ts';
import { AgentOnSocket } from '../../host/agent-on-socket.ts';

const { signal } = new AbortController();

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-vm-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function web1(settings: object): VmConfig {
  const vms = { web1: { qmp: join(folder, 'qmp.sock'), ...settings } };
  const config = vmConfig(Inventory.parse({ repository: '/r', vms }), 'web1', 'hv1');
  if (!config) throw new Error('no such VM');
  return config;
}

/** Listens, accepts and never says a word, as QEMU does to its second client. */
async function mute(path: string): Promise<AsyncDisposable> {
  const server = createServer(() => {}).listen(path);
  await once(server, 'listening');
  return { [Symbol.asyncDispose]: async () => void server.close() };
}

describe('examineVm', () => {
  it('says that a QMP socket is not there', async () => {
    const [qmp] = await examineVm(web1({}), signal);

    expect(qmp).toEqual({
      vm: 'web1',
      check: 'qmp',
      state: 'problem',
      message: `${join(folder, 'qmp.sock')}: there is no such socket`,
      advice: 'Is the VM running, and started with `-qmp unix:PATH,server=on,wait=off`?',
    });
  });

  it('says that nobody listens on what a VM left behind', async () => {
    await writeFile(join(folder, 'qmp.sock'), '');

    const [qmp] = await examineVm(web1({}), signal);

    expect(qmp).toMatchObject({
      state: 'problem',
      message: `${join(folder, 'qmp.sock')}: nobody listens`,
    });
  });

  it('says that another client holds the socket', async () => {
    await using _ = await mute(join(folder, 'qmp.sock'));

    const [qmp] = await examineVm(web1({}), signal);

    expect(qmp).toMatchObject({
      state: 'problem',
      message: `${join(folder, 'qmp.sock')}: another client holds this socket, or QEMU hangs`,
      advice: expect.stringContaining('a socket of its own'),
    });
  });

  const silent = [
    { quiesce: 'preferred', state: 'warning', meaning: 'Backups are crash-consistent without it.' },
    { quiesce: 'required', state: 'problem', meaning: 'Backups fail without it' },
  ];
  it.each(silent.map((one) => [one.state, one.quiesce, one.meaning] as const))(
    'takes a missing agent for a %s with quiesce: %s',
    async (state, quiesce, meaning) => {
      const checks = await examineVm(web1({ quiesce, agent: join(folder, 'qga.sock') }), signal);

      expect(checks.at(-1)).toMatchObject({
        vm: 'web1',
        check: 'agent',
        state,
        message: `${join(folder, 'qga.sock')}: there is no such socket`,
        advice: expect.stringContaining(meaning),
      });
    },
  );

  it('says that an agent does not answer', async () => {
    await using _ = await mute(join(folder, 'qga.sock'));

    const checks = await examineVm(web1({ agent: join(folder, 'qga.sock') }), signal);

    expect(checks.at(-1)).toMatchObject({
      state: 'warning',
      message: `${join(folder, 'qga.sock')}: does not answer`,
    });
  });

  it('names a mount point that is to be frozen and is not in the guest', async () => {
    await using agent = await AgentOnSocket.listen(join(folder, 'qga.sock'));
    agent.fileSystems = [{ name: 'vda1', mountpoint: '/' }];
    const given = { agent: join(folder, 'qga.sock'), freezeMountpoints: ['/', '/dta'] };

    const checks = await examineVm(web1(given), signal);

    expect(checks.at(-1)).toMatchObject({
      state: 'warning',
      message: 'the guest has no file system mounted at /dta',
    });
  });

  it('asks for no agent with quiesce: off', async () => {
    const checks = await examineVm(web1({ quiesce: 'off' }), signal);

    expect(checks.at(-1)).toMatchObject({ check: 'agent', state: 'ok' });
  });
});
