import { setMaxListeners } from 'node:events';
import { Client, Connection } from '@temporalio/client';
import type { TemporalAddress } from '../inventory/connection-options.ts';
import { explained, unreachable } from './temporal-errors.ts';

/** How long Temporal may take to answer one request. */
const CALL_MS = 10_000;

/** A connection to Temporal on which no request waits for ever, and whose errors say what to do. */
export class TemporalLink {
  readonly client: Client;
  readonly #connection: Connection;
  readonly #where: { readonly address: string; readonly namespace: string };

  private constructor(connection: Connection, where: { address: string; namespace: string }) {
    this.#connection = connection;
    this.client = new Client({ connection, namespace: where.namespace });
    this.#where = where;
  }

  /** Connects within `timeoutMs`, else `TemporalUnreachableError`. */
  static async open(
    { connection: options, namespace }: TemporalAddress,
    timeoutMs: number,
  ): Promise<TemporalLink> {
    const where = { address: options.address, namespace };
    const connection = Connection.lazy({ ...options, connectTimeout: timeoutMs });
    try {
      await connection.ensureConnected();
      return new TemporalLink(connection, where);
    } catch (error) {
      await connection.close();
      const known = explained(error, where);
      // Where nobody listens, the SDK rejects with a plain error.
      throw known === error ? unreachable(where.address, error) : known;
    }
  }

  get namespace(): string {
    return this.#where.namespace;
  }

  /** Makes requests that are answered at once, together within 10 s. */
  async call<T>(requests: () => Promise<T>, timeoutMs = CALL_MS): Promise<T> {
    try {
      return await this.#connection.withDeadline(Date.now() + timeoutMs, requests);
    } catch (error) {
      throw explained(error, this.#where);
    }
  }

  /** Makes a request that waits for something to happen. A server that goes away ends it after about 20 s, `signal` at once. */
  async wait<T>(request: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    // The SDK listens anew with each of its long polls, and stays until the signal is gone.
    const own = AbortSignal.any([signal]);
    setMaxListeners(0, own);
    try {
      return await this.#connection.withAbortSignal(own, request);
    } catch (error) {
      signal.throwIfAborted();
      throw explained(error, this.#where);
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}
