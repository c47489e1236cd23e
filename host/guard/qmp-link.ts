import { QmpClient } from '../../qemu/qmp/client.ts';
import type { QmpEvent } from '../../qemu/qmp/events.ts';
import { connectUnix, type Transport } from '../../qemu/qmp/transport.ts';
import { Relay } from './relay.ts';

const connectMs = 3_000;
const openMs = 5_000;

/** The guard's hold on the VM's QMP socket: one connection, made anew when it was lost, shared with one worker. */
export class QmpLink {
  readonly #path: string;
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #connecting: Promise<{ client: QmpClient; relay: Relay }> | undefined;
  #live: { client: QmpClient; relay: Relay } | undefined;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** The guard's own client. Connects when there is no connection, in bounded time. */
  async client(): Promise<QmpClient> {
    return (await this.#connection()).client;
  }

  /** A worker's end of the relay; one at a time. */
  async attach(): Promise<Transport> {
    return (await this.#connection()).relay.attach();
  }

  /** Hands every event to `listener`, also those of later connections. */
  listen(listener: (event: QmpEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Gives the socket back. No later call connects again. */
  close(): void {
    this.#closed = true;
    this.#live?.client.close();
  }

  get closed(): boolean {
    return this.#closed;
  }

  async #connection(): Promise<{ client: QmpClient; relay: Relay }> {
    if (this.#live && !this.#live.client.closed) return this.#live;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(): Promise<{ client: QmpClient; relay: Relay }> {
    if (this.#closed) throw new Error('the guard has given QMP back');
    const relay = new Relay(await connectUnix(this.#path, AbortSignal.timeout(connectMs)));
    const signal = AbortSignal.timeout(openMs);
    const client = await QmpClient.open(relay.own, { signal, what: this.#path });
    client.listen((event) => {
      for (const listener of this.#listeners) listener(event);
    });
    this.#live = { client, relay };
    if (this.#closed) client.close();
    return this.#live;
  }
}
