import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentRelay } from '../../lab/agent-relay.ts';
import { makeTempFolder, type TempFolder } from '../../lab/temp-folder.ts';
import { AgentClient } from '../../qemu/qga/client.ts';
import { AgentOnSocket } from '../host/agent-on-socket.ts';

const soon = () => AbortSignal.timeout(10_000);
const freeze = 'guest-fsfreeze-freeze';

let temp: TempFolder;
let agent: AgentOnSocket;
let relay: AgentRelay;
beforeEach(async () => {
  temp = await makeTempFolder();
  agent = await AgentOnSocket.listen(join(temp.path, 'agent'));
  relay = await AgentRelay.listen(join(temp.path, 'relay'), join(temp.path, 'agent'));
});
afterEach(async () => {
  await relay[Symbol.asyncDispose]();
  await agent[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

describe('AgentRelay', () => {
  it('passes on what is asked and what is answered, of one client after another', async () => {
    for (const frozen of [0, 1]) {
      await using client = await AgentClient.connect(relay.socket, soon());
      expect(await client.freezeStatus(5_000)).toBe(frozen ? 'frozen' : 'thawed');
      expect(await client.freeze(5_000)).toBe(2);
    }
    expect(relay.commands.filter((command) => command === freeze)).toHaveLength(2);
  });

  it('keeps a command from an agent', async () => {
    relay.misbehave({ to: freeze, reaches: false });
    await using client = await AgentClient.connect(relay.socket, soon());

    await expect(client.freeze(200)).rejects.toThrow(/no answer/);

    expect(await client.freezeStatus(5_000)).toBe('thawed');
    expect(relay.commands).toContain(freeze);
  });

  it('says something else in place of an answer', async () => {
    relay.misbehave({ to: freeze, reaches: true, says: '{"return": "two"}\n' });
    await using client = await AgentClient.connect(relay.socket, soon());

    await expect(client.freeze(5_000)).rejects.toThrow(/unexpected answer/);

    expect(await client.freezeStatus(5_000)).toBe('frozen');
  });

  it('holds an answer, and those behind it, back until the agent comes round', async () => {
    relay.misbehave({ to: freeze, reaches: true });
    await using client = await AgentClient.connect(relay.socket, soon());
    await expect(client.freeze(200)).rejects.toThrow(/no answer/);
    const thawing = client.thaw(5_000);
    expect(agent.frozen).toBe(true);

    relay.recover();

    expect(await thawing).toBe(2);
  });

  it('answers nothing at all, syncs neither', async () => {
    relay.misbehave({ to: 'everything', reaches: false });

    await expect(AgentClient.connect(relay.socket, AbortSignal.timeout(300))).rejects.toMatchObject(
      { name: 'TimeoutError' },
    );

    expect(agent.commands).toEqual([]);
  });
});
