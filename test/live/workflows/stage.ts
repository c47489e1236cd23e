import { fileURLToPath } from 'node:url';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { createControlActivities, hostTaskQueue } from '../../../activities/control-activities.ts';
import type { HostActivities } from '../../../activities/host-activities.ts';
import { startTemporal } from '../../../lab/start-temporal.ts';
import type { TemporalServer } from '../../../lab/temporal-server.ts';
import { Inventory } from '../../../model/inventory.ts';
import type { ExportRequest } from '../../../model/export.ts';
import type { BackupRequest } from '../../../model/request.ts';
import { registerSearchAttributes } from '../../../worker/register-search-attributes.ts';
import type { backupVm } from '../../../workflows/backup-vm.ts';
import type { exportBackup } from '../../../workflows/export-backup.ts';
import { fakeHostActivities, goesWell, type FakeVm } from './fake-host.ts';

// Steps that fail are the point here.
const logger = new DefaultLogger('ERROR');
Runtime.install({ logger });

/** Sticky task queues are named by it; nothing of the machine that a test ran on gets into a stored history. */
const identity = 'test';

type Backup = WorkflowHandle<typeof backupVm>;
type Export = WorkflowHandle<typeof exportBackup>;

/** A VM whose steps do what its test says. */
export type StagedVm = {
  readonly vm: string;
  /** The steps in the order in which they were begun. */
  readonly calls: readonly string[];
  readonly start: (request?: Partial<BackupRequest>) => Promise<Backup>;
  readonly startExport: (request?: Partial<ExportRequest>) => Promise<Export>;
};

/**
 * A real Temporal server, the workflow from its source, and a host that only acts. `locateVm` is the real one. Each
 * test has a VM of its own, so that they may run at the same time.
 */
export class Stage implements AsyncDisposable {
  readonly temporal: TemporalServer;
  readonly client: Client;
  readonly #connection: NativeConnection;
  readonly #workers: Worker[] = [];
  readonly #running: Promise<unknown>[] = [];
  readonly #vms = new Map<string, FakeVm>();
  readonly #unindexed = new Set<string>();
  readonly #inventory = Inventory.parse({ host: 'here', repository: '/backups', vms: {} });

  private constructor(temporal: TemporalServer, client: Client, connection: NativeConnection) {
    this.temporal = temporal;
    this.client = client;
    this.#connection = connection;
  }

  static async build(): Promise<Stage> {
    const workflowsPath = fileURLToPath(new URL('../../../workflows/index.ts', import.meta.url));
    // One shard polls its queue 20 times a second by default: every step would wait for that.
    const dynamicConfig = { 'history.transferProcessorMaxPollRPS': 5000 };
    const [temporal, { code }] = await Promise.all([
      startTemporal({ dynamicConfig }),
      bundleWorkflowCode({ workflowsPath, logger }),
    ]);
    const { address } = temporal;
    const connection = await Connection.connect({ address });
    const client = new Client({ connection, identity });
    const stage = new Stage(temporal, client, await NativeConnection.connect({ address }));
    await registerSearchAttributes(connection, 'default');
    await stage.#work(code);
    return stage;
  }

  /** A VM of that name; what `acts` leaves out goes well. */
  vm(
    vm: string,
    acts: Partial<HostActivities> = {},
    {
      host = 'here',
      indexed = true,
      exportSeconds = 60,
    }: { host?: string; indexed?: boolean; exportSeconds?: number } = {},
  ): StagedVm {
    const calls: string[] = [];
    this.#vms.set(vm, { acts: { ...goesWell, ...acts }, calls });
    this.#inventory.vms[vm] = { qmp: '/qmp.sock', host, exportSeconds };
    if (!indexed) this.#unindexed.add(vm);
    return {
      vm,
      calls,
      start: (request) => this.start(vm, { vm, ...request }),
      startExport: async (request) => {
        const args: [ExportRequest] = [{ vm, ...request }];
        const { workflow } = this.client;
        const options = { taskQueue: 'stillpoint', workflowId: `export/${vm}`, args };
        return workflow.start<typeof exportBackup>('exportBackup', options);
      },
    };
  }

  /** Starts a backup with any input, as everybody with access to Temporal may. */
  async start(id: string, ...args: unknown[]): Promise<Backup> {
    const { workflow } = this.client;
    const start = { taskQueue: 'stillpoint', workflowId: `backup/${id}`, args };
    return (await workflow.start('backupVm', start)) as Backup;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) worker.shutdown();
    await Promise.all(this.#running);
    await this.#connection.close();
    await this.client.connection.close();
    await this.temporal[Symbol.asyncDispose]();
  }

  async #work(code: string): Promise<void> {
    const inputs = { inventory: this.#inventory, inventoryFile: 'stillpoint.yaml' };
    const { locateVm, locateExport } = createControlActivities({
      ...inputs,
      hostName: 'here',
      indexed: () => true,
    });
    const common = {
      connection: this.#connection,
      identity,
      shutdownForceTime: '1 second',
    } as const;
    this.#workers.push(
      await Worker.create({
        ...common,
        taskQueue: 'stillpoint',
        workflowBundle: { code },
        activities: {
          locateVm: async (request: unknown) => {
            const location = await locateVm(request);
            return { ...location, indexed: !this.#unindexed.has(location.vm) };
          },
          locateExport,
        },
      }),
      await Worker.create({
        ...common,
        taskQueue: hostTaskQueue('here'),
        activities: fakeHostActivities(this.#vms),
        // A cancellation comes with a heartbeat's reply.
        maxHeartbeatThrottleInterval: '100 milliseconds',
      }),
    );
    this.#running.push(...this.#workers.map((worker) => worker.run()));
  }
}
