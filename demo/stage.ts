import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { StillpointClient } from '../client/stillpoint-client.ts';
import { endReceivers } from '../host/receivers.ts';
import { statePaths } from '../host/state-paths.ts';
import { startInstantTap, type InstantTap } from '../lab/instant-tap.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import type { Machine } from '../lab/machine.ts';
import { startQemu } from '../lab/start-qemu.ts';
import { startTemporal } from '../lab/start-temporal.ts';
import { startWorker } from '../lab/start-worker.ts';
import type { TemporalServer } from '../lab/temporal-server.ts';
import { say } from './say.ts';

/** The VM of the demonstration. */
export const vm = 'web1';

const MiB = 1024 ** 2;

/** All that the demonstration plays with: a Temporal server, a guest, a worker and the files in between. */
export class Stage implements AsyncDisposable {
  readonly machine: Machine;
  readonly tap: InstantTap;
  readonly temporal: TemporalServer;
  readonly client: StillpointClient;
  readonly config: string;
  readonly repository: string;
  #worker: LabProcess;

  private constructor(parts: {
    machine: Machine;
    tap: InstantTap;
    temporal: TemporalServer;
    client: StillpointClient;
    worker: LabProcess;
  }) {
    this.machine = parts.machine;
    this.tap = parts.tap;
    this.temporal = parts.temporal;
    this.client = parts.client;
    this.#worker = parts.worker;
    this.config = configIn(parts.machine.folder);
    this.repository = repositoryIn(parts.machine.folder);
  }

  static async build(): Promise<Stage> {
    say('starting Temporal with its Web UI');
    const temporal = await startTemporal({ ui: true });
    let machine: Machine | undefined;
    let tap: InstantTap | undefined;
    let worker: LabProcess | undefined;
    try {
      say('booting a guest with two disks and a workload that writes to both');
      machine = await startQemu({
        disks: [{ virtualBytes: 512 * MiB }, { virtualBytes: 384 * MiB }],
        guest: { workload: true },
      });
      tap = await startInstantTap(machine);
      await writeInventory(machine, tap, temporal);
      say('starting the worker');
      const { folder } = machine;
      worker = await startWorker({ config: configIn(folder), folder });
      const address = { connection: { address: temporal.address }, namespace: 'default' };
      const client = await StillpointClient.connect(address);
      return new Stage({ machine, tap, temporal, client, worker });
    } catch (error) {
      await worker?.kill();
      await tap?.[Symbol.asyncDispose]();
      await machine?.[Symbol.asyncDispose]();
      await temporal[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** SIGKILL: the worker gets no moment to tidy up. */
  async killWorker(): Promise<void> {
    await this.#worker.kill();
  }

  async restartWorker(): Promise<void> {
    const { folder } = this.machine;
    this.#worker = await startWorker({ config: this.config, folder });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.#worker.end(5_000);
    await this.tap[Symbol.asyncDispose]();
    await this.machine.kill();
    // What a backup that was cut off has left; without QEMU nobody needs it.
    await endReceivers(statePaths(stateIn(this.machine.folder)), vm);
    await this.machine[Symbol.asyncDispose]();
    await this.temporal[Symbol.asyncDispose]();
  }
}

const configIn = (folder: string) => join(folder, 'stillpoint.yaml');
const repositoryIn = (folder: string) => join(folder, 'backups');
const stateIn = (folder: string) => join(folder, 'state');

async function writeInventory(
  machine: Machine,
  tap: InstantTap,
  temporal: TemporalServer,
): Promise<void> {
  const { folder, agentSocket } = machine;
  await mkdir(repositoryIn(folder));
  const inventory = {
    temporal: { address: temporal.address, namespace: 'default' },
    host: 'demo',
    repository: repositoryIn(folder),
    state: stateIn(folder),
    defaults: { quiesce: 'required', scratchBytes: '256MiB' },
    vms: { [vm]: { qmp: tap.qmpSocket, agent: agentSocket } },
  };
  await writeFile(configIn(folder), stringify(inventory));
}
