import type { Lock } from '../host/lock.ts';
import type { StatePaths } from '../host/state-paths.ts';
import type { Inventory } from '../model/inventory.ts';
import type { Repository } from '../repository/repository.ts';

/** What the host worker's activities need; `worker/main.ts` puts it together. */
export type HostDependencies = {
  readonly inventory: Inventory;
  readonly inventoryFile: string;
  readonly hostName: string;
  readonly paths: StatePaths;
  /** How to start a guard: a program and its arguments, without the guard's own file. */
  readonly guardCommand: readonly string[];
  /** The repository in a folder. Every call to it is bounded: a hung file system hangs nobody. */
  readonly repository: (folder: string) => Repository;
  /** Whether the workflow that holds a lock still runs, as Temporal knows it. */
  readonly isRunning: (holder: Lock) => Promise<boolean>;
};
