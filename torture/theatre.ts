import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StillpointClient } from '../client/stillpoint-client.ts';
import { findGuard } from '../host/guard/find-guard.ts';
import { endReceivers } from '../host/receivers.ts';
import { statePaths, type StatePaths } from '../host/state-paths.ts';
import { FileSystem } from '../lab/file-system.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import { startTemporal } from '../lab/start-temporal.ts';
import { startWorker } from '../lab/start-worker.ts';
import { makeTempFolder, type TempFolder } from '../lab/temp-folder.ts';
import type { TemporalServer } from '../lab/temporal-server.ts';
import type { Tier } from '../model/choices.ts';
import { Tap } from './tap.ts';
import { vmNames, writeInventory } from './write-inventory.ts';

/** `struck` resolves when it has been sent its end, `again` when there is a new one. */
export type Replacement = { readonly struck: Promise<void>; readonly again: Promise<void> };

/** What stays from story to story: a Temporal server, a worker, a repository, and a way to each VM that may come. */
export class Theatre implements AsyncDisposable {
  readonly temporal: TemporalServer;
  readonly client: StillpointClient;
  readonly taps: readonly Tap[];
  readonly files: FileSystem | undefined;
  readonly paths: StatePaths;
  /** How every backup is taken, if not as its story says. */
  readonly tier: Tier | undefined;
  /** How often something was struck that serves all VMs. */
  commonFaults = 0;
  readonly #temp: TempFolder;
  readonly #config: string;
  #worker: LabProcess;
  #changing: Promise<void> = Promise.resolve();

  private constructor(parts: {
    temporal: TemporalServer;
    client: StillpointClient;
    taps: readonly Tap[];
    files: FileSystem | undefined;
    temp: TempFolder;
    config: string;
    worker: LabProcess;
    tier: Tier | undefined;
  }) {
    this.temporal = parts.temporal;
    this.client = parts.client;
    this.taps = parts.taps;
    this.files = parts.files;
    this.tier = parts.tier;
    this.#temp = parts.temp;
    this.#config = parts.config;
    this.#worker = parts.worker;
    this.paths = statePaths(join(parts.temp.path, 'state'));
  }

  static async build(tier?: Tier): Promise<Theatre> {
    const built: AsyncDisposable[] = [];
    const keep = <T extends AsyncDisposable>(part: T): T => {
      built.unshift(part);
      return part;
    };
    try {
      const temp = keep(await makeTempFolder());
      const files = (await FileSystem.whyNone()) ? undefined : keep(await FileSystem.mount(512));
      const temporal = keep(await startTemporal());
      const repositories = repositoriesIn(temp.path, files);
      for (const folder of new Set(repositories)) await mkdir(folder);
      const taps = vmNames.map((name) => new Tap(join(temp.path, `${name}.sock`)));
      const { address } = temporal;
      const config = await writeInventory(temp.path, { address, taps, repositories, tier });
      const worker = await startWorker({ config, folder: temp.path });
      const connection = { address };
      const client = keep(await StillpointClient.connect({ connection, namespace: 'default' }));
      return new Theatre({ temporal, client, taps, files, temp, config, worker, tier });
    } catch (error) {
      for (const part of built) await part[Symbol.asyncDispose]();
      throw error;
    }
  }

  get folder(): string {
    return this.#temp.path;
  }

  get workerLog(): string {
    return join(this.folder, 'worker.log');
  }

  /** Where the backups of the VM at that place rest. */
  repositoryOf(vm: number): string {
    return join(repositoriesIn(this.folder, this.files)[vm] ?? '', vmNames[vm] ?? '');
  }

  get workerPid(): number {
    return this.#worker.pid;
  }

  /** Ends the worker, and starts another one at once. */
  replaceWorker(how: 'killed' | 'ended'): Replacement {
    const strike = async () => {
      if (how === 'killed') await this.#worker.killGroup();
      else this.#worker.signal('SIGTERM');
    };
    return this.#replace(strike, async () => {
      await this.#worker.end(30_000);
      this.#worker = await startWorker({ config: this.#config, folder: this.folder });
    });
  }

  replaceTemporal(): Replacement {
    return this.#replace(
      async () => this.temporal.kill(),
      async () => this.temporal.restart(),
    );
  }

  /** One after another: of two faults at one time the second finds what the first has brought. */
  #replace(strike: () => Promise<void>, restart: () => Promise<void>): Replacement {
    this.commonFaults++;
    const before = this.#changing;
    const struck = (async () => {
      await before;
      await strike();
    })();
    const again = (async () => {
      await struck;
      await restart();
    })();
    this.#changing = again.catch(() => undefined);
    return { struck, again };
  }

  /** Takes away what is left of the VM at that place, whose QEMU has ended, for the next story. */
  async clear(vm: number): Promise<void> {
    const name = vmNames[vm] ?? '';
    await endReceivers(this.paths, name);
    const guard = await findGuard(this.paths, name);
    if (guard !== undefined) process.kill(guard, 'SIGKILL');
    await rm(this.repositoryOf(vm), { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#changing;
    await this.client.close();
    await this.#worker.end(5_000);
    for (const tap of this.taps) {
      tap.shut();
      tap.cut();
    }
    await this.temporal[Symbol.asyncDispose]();
    await this.files?.[Symbol.asyncDispose]();
    await this.#temp[Symbol.asyncDispose]();
  }
}

/** By the place of their VM. */
function repositoriesIn(folder: string, files: FileSystem | undefined): string[] {
  const common = join(folder, 'backups');
  return [files ? join(files.path, 'backups') : common, common, common];
}
