import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { splitLines } from '../qemu/qmp/transport.ts';

/** The byte before the answer to a sync, which no JSON holds. @see qga/qapi-schema.json, guest-sync-delimited */
const sentinel = '\xFF';

/** How an agent misbehaves. */
export type AgentFault = {
  /** The command, as `guest-fsfreeze-freeze`; `everything` is also what its clients send to know their answers. */
  readonly to: string;
  /** Whether the agent is told, and does it. */
  readonly reaches: boolean;
  /** What is said in place of the answer, to the byte. Left out: nothing, nor to what follows, until `recover`. */
  readonly says?: string;
};

type Asked = {
  readonly command: string;
  readonly syncId: unknown;
  readonly fault: AgentFault | undefined;
};

/**
 * Stands between a client and a real guest agent, so that the agent can be made to misbehave while its guest is a real
 * one. As on QEMU's own socket one client is served, the next waits, and what an agent says late comes to whoever is
 * connected then.
 */
export class AgentRelay implements AsyncDisposable {
  readonly socket: string;
  /** The commands that were asked for, without syncs. */
  readonly commands: string[] = [];
  #fault: AgentFault | undefined;
  readonly #held: string[] = [];
  /** What the agent has still to answer, in its order. */
  #unanswered: Asked[] = [];
  readonly #agent: Socket;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  #served: Socket | undefined;
  #turn: Promise<void> = Promise.resolve();

  private constructor(socket: string, agent: Socket) {
    this.socket = socket;
    this.#agent = agent;
    this.#server = createServer((client) => {
      this.#clients.add(client);
      client.on('error', () => client.destroy());
      client.once('close', () => this.#clients.delete(client));
      this.#turn = inTurn(this.#turn, () => this.#serve(client));
    });
    agent.on('error', () => agent.destroy());
    void this.#readAgent();
  }

  /** Listens on `socket` for the clients of the agent behind `agentSocket`. */
  static async listen(socket: string, agentSocket: string): Promise<AgentRelay> {
    const agent = connect(agentSocket).setEncoding('latin1');
    await once(agent, 'connect');
    const relay = new AgentRelay(socket, agent);
    relay.#server.listen(socket);
    await once(relay.#server, 'listening');
    return relay;
  }

  /** How many answers of the agent wait for `recover`: it has done what they answer. */
  get withheld(): number {
    return this.#held.length;
  }

  /** From now on the agent misbehaves. */
  misbehave(fault: AgentFault): void {
    this.#fault = fault;
  }

  /** The agent comes round: what it has not said so far it says now. */
  recover(): void {
    this.#fault = undefined;
    for (const line of this.#held.splice(0)) this.#say(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    this.#server.close();
    this.#hangUp();
    await this.#turn;
  }

  async #serve(client: Socket): Promise<void> {
    this.#served = client;
    try {
      for await (const line of splitLines(client.setEncoding('latin1'))) this.#ask(line);
    } catch {
      // It broke: the next one is served.
    }
    client.destroy();
  }

  #ask(line: string): void {
    const { execute: command = '', arguments: args } = parse(line);
    if (command !== 'guest-sync-delimited') this.commands.push(command);
    const { to } = this.#fault ?? {};
    const fault = to === command || to === 'everything' ? this.#fault : undefined;
    if (fault?.reaches ?? true) {
      this.#unanswered.push({ command, syncId: args?.id, fault });
      this.#agent.write(`${line}\n`, 'latin1');
    } else if (fault?.says !== undefined) {
      this.#served?.write(fault.says, 'latin1');
    }
  }

  async #readAgent(): Promise<void> {
    try {
      for await (const line of splitLines(this.#agent)) this.#answer(line);
    } catch {
      // QEMU has gone.
    }
    this.#hangUp();
  }

  #answer(line: string): void {
    if (line.includes(sentinel)) {
      // A guest that was reset owes no answer to what was asked before.
      const { return: id } = parse(line);
      const at = this.#unanswered.findIndex(({ syncId }) => syncId === id);
      this.#unanswered = this.#unanswered.slice(Math.max(at, 0));
    } else if (this.#unanswered[0]?.syncId !== undefined) {
      // Its complaint of the sentinel is nobody's answer.
      return;
    }
    const fault = this.#unanswered.shift()?.fault;
    if (fault?.says !== undefined) this.#served?.write(fault.says, 'latin1');
    else if (this.#held.length > 0 || (fault && fault === this.#fault)) this.#held.push(line);
    else this.#say(line);
  }

  #say(line: string): void {
    this.#served?.write(`${line}\n`, 'latin1');
  }

  #hangUp(): void {
    for (const client of this.#clients) client.destroy();
  }
}

async function inTurn(before: Promise<void>, next: () => Promise<void>): Promise<void> {
  await before;
  await next();
}

type Line = { execute?: string; arguments?: { id?: unknown }; return?: unknown };

function parse(line: string): Line {
  try {
    return JSON.parse(line.replaceAll(sentinel, '')) as Line;
  } catch {
    return {};
  }
}
