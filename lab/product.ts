import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Edges } from './edges/edges.ts';
import type { LabProcess } from './lab-process.ts';
import { startTemporal } from './start-temporal.ts';
import { startWorker } from './start-worker.ts';
import { makeTempFolder, type TempFolder } from './temp-folder.ts';
import type { TemporalServer } from './temporal-server.ts';

/** A VM as the inventory has it. */
export type InventoryEntry = { readonly qmp: string; readonly agent?: string | undefined };

/** The product as an operator runs it: a Temporal server, an inventory and a worker as a process of its own. */
export class Product implements AsyncDisposable {
  readonly temporal: TemporalServer;
  /** The watch over what the product does to the world, where it was asked for. */
  readonly edges: Edges | undefined;
  readonly #temp: TempFolder;
  #worker: LabProcess;

  private constructor(
    temporal: TemporalServer,
    parts: { edges: Edges | undefined; temp: TempFolder; worker: LabProcess },
  ) {
    this.temporal = temporal;
    this.edges = parts.edges;
    this.#temp = parts.temp;
    this.#worker = parts.worker;
  }

  /** Starts all of it over VMs that run; `defaults` and `settings` go into the inventory, beside what they need. */
  static async start(options: {
    readonly vms: Readonly<Record<string, InventoryEntry>>;
    readonly ui?: boolean;
    readonly defaults?: Readonly<Record<string, unknown>> | undefined;
    readonly settings?: Readonly<Record<string, unknown>> | undefined;
    readonly watched?: boolean | undefined;
  }): Promise<Product> {
    const { vms, ui = false, defaults = {}, settings = {}, watched = false } = options;
    const temp = await makeTempFolder();
    let temporal: TemporalServer | undefined;
    try {
      temporal = await startTemporal({ ui });
      const inventory = {
        temporal: { address: temporal.address, namespace: 'default' },
        host: 'lab',
        repository: join(temp.path, 'backups'),
        state: join(temp.path, 'state'),
        ...settings,
        defaults: { scratchBytes: '1GiB', ...defaults },
        vms,
      };
      await mkdir(inventory.repository);
      const config = join(temp.path, 'stillpoint.yaml');
      // YAML holds JSON.
      await writeFile(config, JSON.stringify(inventory, undefined, 2));
      const edges = watched ? await Edges.make(join(temp.path, 'edges')) : undefined;
      const worker = await startWorker({ config, folder: temp.path, env: edges?.env });
      return new Product(temporal, { edges, temp, worker });
    } catch (error) {
      await temporal?.[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
      throw error;
    }
  }

  get folder(): string {
    return this.#temp.path;
  }

  /** The inventory file. */
  get config(): string {
    return join(this.folder, 'stillpoint.yaml');
  }

  get repository(): string {
    return join(this.folder, 'backups');
  }

  get state(): string {
    return join(this.folder, 'state');
  }

  get workerPid(): number {
    return this.#worker.pid;
  }

  get workerLives(): boolean {
    return this.#worker.alive;
  }

  /** Asks the worker to end, as a service manager does, and waits until it has. */
  async endWorker(): Promise<void> {
    await this.#worker.end(30_000);
  }

  /** SIGKILL for its whole process group: the worker gets no moment to tidy up. */
  async killWorker(): Promise<void> {
    await this.#worker.killGroup();
  }

  /** Starts a worker, after `killWorker`, and waits until it polls; from another build, if one is named. */
  async restartWorker(build?: string): Promise<void> {
    const { config, folder, edges } = this;
    this.#worker = await startWorker({ config, folder, build, env: edges?.env });
  }

  /** Ends worker and server. What a backup that was cut off has left on the host is the caller's: guards, receivers. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.end(5_000);
    await this.temporal[Symbol.asyncDispose]();
    await this.#temp[Symbol.asyncDispose]();
  }
}
