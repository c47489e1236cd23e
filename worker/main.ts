import { hostname } from 'node:os';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, type Worker } from '@temporalio/worker';
import type { HostDependencies } from '../activities/dependencies.ts';
import { statePaths } from '../host/state-paths.ts';
import { connectionOptions } from '../inventory/connection-options.ts';
import type { Inventory } from '../model/inventory.ts';
import { createControlWorker } from './control-worker.ts';
import { createHostWorker } from './host-worker.ts';
import { log } from './log.ts';
import { endOrphanedAttempts } from './orphaned-attempts.ts';
import { guardCommand } from './programs.ts';
import { RepositoryPool } from './repository-pool.ts';
import { registerSearchAttributes } from './register-search-attributes.ts';
import { SweepTimer } from './sweep-timer.ts';
import { isRunning } from './workflow-liveness.ts';

/** Workflows and the inventory are one role, the work beside a hypervisor's QEMUs the other; a process may have both. */
export type Role = 'control' | 'host';

export type WorkerOptions = {
  readonly inventory: Inventory;
  readonly inventoryPath: string;
  readonly roles: readonly Role[];
};

/**
 * Runs a worker until SIGINT or SIGTERM. The only place where the parts are put together. Copies that run go on
 * without it, and the next worker finds them.
 */
export async function runWorker({ inventory, inventoryPath, roles }: WorkerOptions): Promise<void> {
  const { connection: address, namespace } = connectionOptions(inventory);
  const connection = await NativeConnection.connect(address);
  const clientConnection = await Connection.connect(address);
  const client = new Client({ connection: clientConnection, namespace });
  const hostName = hostname();
  const indexed = await registerSearchAttributes(clientConnection, namespace);
  const repositories = new RepositoryPool();
  const workers: Worker[] = [];
  let sweep: SweepTimer | undefined;
  try {
    if (roles.includes('control')) {
      const inputs = { inventory, inventoryFile: inventoryPath, hostName, indexed: () => indexed };
      workers.push(await createControlWorker({ connection, namespace }, inputs));
    }
    if (roles.includes('host')) {
      const dependencies: HostDependencies = {
        inventory,
        inventoryFile: inventoryPath,
        hostName,
        paths: statePaths(inventory.state),
        guardCommand,
        repository: (folder) => repositories.at(folder),
        isRunning: (holder) => isRunning(client, holder),
      };
      await endOrphanedAttempts(client, dependencies);
      sweep = SweepTimer.start(dependencies);
      workers.push(await createHostWorker({ connection, namespace }, dependencies));
    }
    log.info('worker is ready', {
      roles: roles.join(', '),
      address: address.address,
      namespace,
      host: inventory.host ?? hostName,
    });
    await Promise.all(workers.map((worker) => worker.run()));
  } finally {
    await sweep?.stop();
    repositories.close();
    await clientConnection.close();
    await connection.close();
  }
}
