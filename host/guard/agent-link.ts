import { AgentClient } from '../../qemu/qga/client.ts';

const connectMs = 7_000;

/** The guard's one connection to the guest agent, made when it is needed. */
export class AgentLink {
  readonly #path: string;
  #agent: AgentClient | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** The agent, connected and proven to answer. */
  async client(): Promise<AgentClient> {
    this.#agent ??= await AgentClient.connect(this.#path, AbortSignal.timeout(connectMs));
    return this.#agent;
  }

  /** Ends the connection; the next call makes a new one. */
  drop(): void {
    this.#agent?.close();
    this.#agent = undefined;
  }
}
