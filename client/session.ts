import { connectionOptions } from '../inventory/connection-options.ts';
import { findInventory, loadInventory } from '../inventory/load.ts';
import type { Inventory } from '../model/inventory.ts';
import type { Repository } from '../repository/repository.ts';
import { InterruptedError } from './errors.ts';
import type { Io } from './io.ts';
import type { Message } from './output.ts';
import type { Printer } from './printer.ts';
import { StillpointClient } from './stillpoint-client.ts';

/** An inventory and where it came from. */
export type LoadedInventory = { readonly inventory: Inventory; readonly inventoryPath: string };

/** What every command needs, made when it is first asked for: a restore never asks for Temporal. */
export class Session implements AsyncDisposable {
  readonly io: Io;
  readonly #config: () => string | undefined;
  readonly #printer: Printer;
  readonly #openRepository: (folder: string) => Repository;
  readonly #opened: (() => unknown)[] = [];
  #loaded: Promise<LoadedInventory> | undefined;

  constructor(options: {
    io: Io;
    config: () => string | undefined;
    printer: Printer;
    openRepository: (folder: string) => Repository;
  }) {
    this.io = options.io;
    this.#config = options.config;
    this.#printer = options.printer;
    this.#openRepository = options.openRepository;
  }

  print(message: Message): void {
    this.#printer.print(message);
  }

  inventory(): Promise<LoadedInventory> {
    this.#loaded ??= load(this.#config());
    return this.#loaded;
  }

  /** A client of the Temporal server that the inventory and the environment name. */
  async temporal(): Promise<StillpointClient> {
    const { inventory } = await this.inventory();
    const client = await StillpointClient.connect(
      connectionOptions(inventory, this.io.environment),
    );
    this.#opened.push(() => client.close());
    return client;
  }

  repository(folder: string): Repository {
    const repository = this.#openRepository(folder);
    this.#opened.push(() => repository.close());
    return repository;
  }

  /** Throws once the operator has pressed Ctrl-C; `note` says what that means for what was begun. */
  throwIfInterrupted(note: string): void {
    if (this.io.interrupted.aborted) throw new InterruptedError(note);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#opened.toReversed()) await close();
  }
}

async function load(config: string | undefined): Promise<LoadedInventory> {
  const inventoryPath = findInventory(config);
  return { inventory: await loadInventory(inventoryPath), inventoryPath };
}
