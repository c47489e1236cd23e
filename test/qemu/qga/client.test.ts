import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  AgentCommandError,
  AgentDisconnectedError,
  AgentTimeoutError,
} from '../../../qemu/errors.ts';
import { AgentClient } from '../../../qemu/qga/client.ts';
import { sentinel } from '../../../qemu/qga/messages.ts';
import { FakeAgent } from './fake-agent.ts';

afterEach(() => void vi.useRealTimers());

describe('AgentClient.open', () => {
  it('looks past garbage, late answers, broken lines and sentinels', async () => {
    const agent = new FakeAgent();
    for (const line of [
      '}} nonsense',
      '{"return": 3}',
      '{"error": {"class": "GenericError", "desc": "late"}}',
      `${sentinel}${sentinel}`,
      `{"retu${sentinel}{"return": 12}`,
      'null',
      '{"event": "x"}',
    ])
      agent.say(line);

    const client = await agent.open();

    await client.ping(100);
    expect(agent.commands).toEqual(['guest-ping']);
  });

  it('makes the agent drop what a former client left half said', async () => {
    const agent = new FakeAgent();

    await agent.open();

    expect(agent.sent[0]?.startsWith(`${sentinel}{"execute":"guest-sync-delimited"`)).toBe(true);
  });

  it('says what may be wrong when nothing answers', async () => {
    vi.useFakeTimers();
    const agent = new FakeAgent();
    agent.hangs = true;

    const opening = agent.open().catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(5_000);

    const error = await opening;
    expect(error).toBeInstanceOf(AgentTimeoutError);
    expect(String(error)).toMatch(/web1.*no agent runs in the guest/);
    expect(agent.closed).toBe(true);
  });

  it('gives up when its signal aborts', async () => {
    const agent = new FakeAgent();
    agent.hangs = true;
    const abort = new AbortController();

    const opening = AgentClient.open(agent.transport, { signal: abort.signal, what: 'web1' });
    abort.abort(new Error('cancelled'));

    await expect(opening).rejects.toThrow('cancelled');
  });
});

describe('AgentClient', () => {
  it('says how many file systems it froze and thawed', async () => {
    const agent = new FakeAgent();
    agent.answerTo = (command) => ({ return: command.endsWith('freeze') ? 2 : 1 });
    const client = await agent.open();

    expect(await client.freeze(100)).toBe(2);
    expect(await client.thaw(100)).toBe(1);
  });

  it('tells frozen from thawed', async () => {
    const agent = new FakeAgent();
    agent.answerTo = () => ({ return: 'frozen' });
    const client = await agent.open();

    expect(await client.freezeStatus(100)).toBe('frozen');
  });

  it('lists what the agent can do', async () => {
    const agent = new FakeAgent();
    const supported = [{ name: 'guest-ping', enabled: true, 'success-response': true }];
    agent.answerTo = () => ({ return: { version: '7.2.22', supported_commands: supported } });
    const client = await agent.open();

    expect(await client.info(100)).toEqual({
      version: '7.2.22',
      supported_commands: [{ name: 'guest-ping', enabled: true }],
    });
  });

  it('says what the agent refused, and why', async () => {
    const agent = new FakeAgent();
    agent.answerTo = () => ({ error: { class: 'CommandNotFound', desc: 'disabled' } });
    const client = await agent.open();

    const error = await client.freeze(100).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(AgentCommandError);
    expect(error).toMatchObject({
      message: 'guest-fsfreeze-freeze: disabled',
      errorClass: 'CommandNotFound',
    });
  });

  it('refuses an answer of unknown shape', async () => {
    const agent = new FakeAgent();
    agent.answerTo = () => ({ return: 'many' });
    const client = await agent.open();

    await expect(client.freeze(100)).rejects.toBeInstanceOf(AgentCommandError);
  });

  it('takes no late answer of an earlier command for its own', async () => {
    vi.useFakeTimers();
    const agent = new FakeAgent();
    agent.answerTo = (command) => {
      if (command === 'guest-fsfreeze-status') return { return: 'frozen' };
      agent.mute = true;
      return { return: 5 };
    };
    const client = await agent.open();

    const frozen = client.freeze(1_000).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1_000);
    const status = client.freezeStatus(1_000);
    agent.recover();

    expect(await frozen).toBeInstanceOf(AgentTimeoutError);
    expect(await status).toBe('frozen');
  });

  it('never freezes for somebody who does not wait any more', async () => {
    vi.useFakeTimers();
    const agent = new FakeAgent();
    const client = await agent.open();
    agent.hangs = true;

    const frozen = client.freeze(1_000).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1_000);
    agent.recover();
    await client.ping(1_000);

    expect(await frozen).toBeInstanceOf(AgentTimeoutError);
    expect(agent.commands).toEqual(['guest-ping']);
  });

  it('thaws even when nobody waits any more', async () => {
    vi.useFakeTimers();
    const agent = new FakeAgent();
    const client = await agent.open();
    agent.hangs = true;

    const thawed = client.thaw(1_000).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1_000);
    agent.recover();

    expect(await thawed).toBeInstanceOf(AgentTimeoutError);
    expect(agent.commands).toEqual(['guest-fsfreeze-thaw']);
  });

  it('thaws without waiting for a freeze that hangs', async () => {
    const agent = new FakeAgent();
    agent.answerTo = () => ({ return: 0 });
    const client = await agent.open();
    agent.hangs = true;

    const frozen = client.freeze(60_000).catch((error: unknown) => error);
    const thawed = client.thaw(60_000);
    agent.recover();

    expect(await thawed).toBe(0);
    expect(await frozen).toBeInstanceOf(AgentTimeoutError);
  });

  it('stops waiting when its signal aborts', async () => {
    const agent = new FakeAgent();
    const client = await agent.open();
    agent.hangs = true;
    const abort = new AbortController();

    const thawed = client.thaw(60_000, abort.signal);
    abort.abort(new Error('cancelled'));

    await expect(thawed).rejects.toThrow('cancelled');
  });

  it('rejects what waits and what comes later when the connection ends', async () => {
    const agent = new FakeAgent();
    const client = await agent.open();
    agent.hangs = true;

    const waiting = client.thaw(60_000);
    agent.hangUp();

    await expect(waiting).rejects.toBeInstanceOf(AgentDisconnectedError);
    await expect(client.ping(100)).rejects.toBeInstanceOf(AgentDisconnectedError);
    expect(agent.closed).toBe(true);
  });

  it('rejects what waits when it is closed', async () => {
    const agent = new FakeAgent();
    const client = await agent.open();
    agent.hangs = true;

    const waiting = client.thaw(60_000);
    await client[Symbol.asyncDispose]();

    await expect(waiting).rejects.toBeInstanceOf(AgentDisconnectedError);
  });
});
