import { connect } from 'node:net';
import { join } from 'node:path';
import { listen } from './connections.ts';

/** A way to a guest agent's socket that tells how long the guest was frozen. */
export type AgentTap = AsyncDisposable & {
  /** The socket to give to the product instead of the machine's own. */
  readonly agentSocket: string;
  /** For how long, in milliseconds, from the request to freeze to the answer to a thaw; a freeze that lasts counts. */
  longestFrozenMs(): number;
  /** Whether a freeze was asked for, and no thaw answered since. */
  readonly frozen: boolean;
  /** Forgets what it has seen: another guest is there. */
  forget(): void;
  /** Cuts every connection through it, as a dying socket does, and tells how many. New ones are taken. */
  cut(): number;
};

/**
 * Stands between the product and a guest agent, passes every byte on, and watches freeze and thaw from outside: what the
 * product says of its frozen time can be held against it, and what it says nothing of is seen too.
 */
export async function startAgentTap(machine: {
  readonly agentSocket: string | undefined;
  readonly folder: string;
}): Promise<AgentTap> {
  const agentSocket = join(machine.folder, 'agent-tap.sock');
  let since: number | undefined;
  let longestMs = 0;
  const endFreeze = () => {
    if (since !== undefined) longestMs = Math.max(longestMs, performance.now() - since);
    since = undefined;
  };

  const connections = await listen(agentSocket, (client, own) => {
    const agent = connect(machine.agentSocket ?? '');
    own.keep(agent);
    let asked = '';
    for (const [from, to] of [
      [client, agent],
      [agent, client],
    ] as const) {
      from.on('close', () => to.destroy());
      from.on('error', () => from.destroy());
      from.on('data', (bytes) => {
        const text = bytes.toString('latin1');
        if (from === client) asked = commandIn(text) ?? asked;
        if (from === client && asked === 'guest-fsfreeze-freeze') since ??= performance.now();
        // What could not be frozen is not.
        if (from === agent && asked === 'guest-fsfreeze-freeze' && text.includes('"error"'))
          since = undefined;
        if (from === agent && asked === 'guest-fsfreeze-thaw' && thawed(text)) endFreeze();
        to.write(bytes);
      });
    }
  });
  const tap: AgentTap = {
    agentSocket,
    longestFrozenMs: () => {
      const lasting = since === undefined ? 0 : performance.now() - since;
      return Math.max(longestMs, lasting);
    },
    get frozen() {
      return since !== undefined;
    },
    forget() {
      since = undefined;
      longestMs = 0;
    },
    cut: () => connections.cut(),
    [Symbol.asyncDispose]: async () => connections[Symbol.asyncDispose](),
  };
  return tap;
}

/** The last command in what a client sends; a sync before it is none of interest. */
function commandIn(text: string): string | undefined {
  return [...text.matchAll(/"execute": ?"(guest-fsfreeze-[a-z]+)"/g)].at(-1)?.[1];
}

/** The agent answers a thaw with a small number; the answer to the sync before it is a large one. */
function thawed(text: string): boolean {
  return /"return": ?\d{1,3}\D/.test(text);
}
