import { rollbackBackup } from '../../../activities/rollback-backup.ts';
import { statePaths } from '../../../host/state-paths.ts';
import { Inventory } from '../../../model/inventory.ts';
import { RemoteRepository } from '../../../repository/remote.ts';

// A worker as a process of its own that rolls one backup back, for tests that have several of them at once. It says how
// it went on stdout.

const [inventoryText = '', runText = '', entry = ''] = process.argv.slice(2);
const inventory = Inventory.parse(JSON.parse(inventoryText));
const repository = new RemoteRepository(inventory.repository, { entry });
const dependencies = {
  inventory,
  inventoryFile: 'stillpoint.yaml',
  hostName: 'test',
  paths: statePaths(inventory.state),
  guardCommand: [],
  repository: () => repository,
  isRunning: async () => false,
};
const { backupId, runId } = JSON.parse(runText) as { backupId: string; runId: string };
const { signal } = new AbortController();
const { troubles } = await rollbackBackup(dependencies, { vm: 'vm', backupId, runId }, signal);
console.log(JSON.stringify(troubles));
repository.close();
process.exit(0);
