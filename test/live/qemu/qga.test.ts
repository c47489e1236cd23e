import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadSetup } from '../../../lab/setup.ts';
import {
  AgentConnectError,
  AgentDisconnectedError,
  AgentTimeoutError,
} from '../../../qemu/errors.ts';
import { AgentClient } from '../../../qemu/qga/client.ts';
import { TemporaryFolder } from './temporary-folder.ts';

const signal = new AbortController().signal;

let folder: TemporaryFolder | undefined;
let socket: string;
let agent: ChildProcess | undefined;

/**
 * The real agent, outside of any guest. It runs on the machine that runs the tests, so nothing here freezes or thaws,
 * and the agent is told to refuse it.
 */
beforeEach(async () => {
  const { agent: program } = await loadSetup();
  folder = await TemporaryFolder.create();
  socket = folder.at('qga');
  const blocked = 'guest-fsfreeze-freeze,guest-fsfreeze-freeze-list,guest-fsfreeze-thaw';
  const where = ['-m', 'unix-listen', '-p', socket, '-t', folder.path, '-f', folder.at('pid')];
  agent = spawn(program, [...where, '-b', blocked], { stdio: 'ignore' });
  await vi.waitFor(() => access(socket), { timeout: 10_000 });
});

afterEach(async () => {
  if (agent && agent.exitCode === null && agent.signalCode === null) {
    agent.kill('SIGKILL');
    await once(agent, 'exit');
  }
  await folder?.[Symbol.asyncDispose]();
  agent = folder = undefined;
});

describe('AgentClient with the real agent', () => {
  it('is answered', async () => {
    await using client = await AgentClient.connect(socket, signal);

    await client.ping(5_000);
    expect(await client.freezeStatus(5_000)).toBe('thawed');
    const { supported_commands: supported } = await client.info(5_000);
    expect(supported).toContainEqual({ name: 'guest-fsfreeze-status', enabled: true });
    expect(supported).toContainEqual({ name: 'guest-fsfreeze-freeze', enabled: false });
  });

  it('is answered after a client that broke off in the middle of a command', async () => {
    const broken = connect(socket);
    broken.end('{"execute": "guest-ping", "arguments": {"a": [');
    await once(broken.resume(), 'close');

    await using client = await AgentClient.connect(socket, signal);

    expect(await client.freezeStatus(5_000)).toBe('thawed');
  });

  it('says so when another client holds the agent', async () => {
    await using first = await AgentClient.connect(socket, signal);

    const second = AgentClient.connect(socket, signal);

    await expect(second).rejects.toBeInstanceOf(AgentTimeoutError);
    await first.ping(5_000);
  });

  it('rejects when the agent dies', async () => {
    await using client = await AgentClient.connect(socket, signal);
    agent?.kill('SIGSTOP');

    const waiting = client.ping(60_000).catch((error: unknown) => error);
    agent?.kill('SIGKILL');

    expect(await waiting).toBeInstanceOf(AgentDisconnectedError);
  });

  it('says so when there is no agent socket', async () => {
    const connecting = AgentClient.connect(`${socket}-not`, signal);

    await expect(connecting).rejects.toBeInstanceOf(AgentConnectError);
  });
});
