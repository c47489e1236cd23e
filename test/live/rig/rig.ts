import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HostDependencies } from '../../../activities/dependencies.ts';
import { findGuard } from '../../../host/guard/find-guard.ts';
import { endReceivers } from '../../../host/receivers.ts';
import { statePaths } from '../../../host/state-paths.ts';
import { makeTempFolder } from '../../../lab/temp-folder.ts';
import type { Machine } from '../../../lab/machine.ts';
import { backupIdOf } from '../../../model/backup-id.ts';
import { Inventory } from '../../../model/inventory.ts';
import { RemoteRepository } from '../../../repository/remote.ts';

function built(path: string): string {
  return fileURLToPath(new URL(`../../../dist/${path}`, import.meta.url));
}

type VmSettings = Partial<Inventory['vms'][string]>;

/** A host with one VM, `vm`, over a real machine: a state folder and a repository of its own. */
export type Rig = AsyncDisposable & {
  readonly machine: Machine;
  readonly folder: string;
  readonly repositoryFolder: string;
  readonly dependencies: HostDependencies;
};

/**
 * Puts a host together as `worker/main.ts` does, but without Temporal: no lock's holder runs unless `runs` says so.
 * `on` is where the state folder or the repository lie; left out, in the rig's own folder.
 */
export async function makeRig(
  machine: Machine,
  options: {
    vm?: VmSettings;
    on?: { state?: string; repository?: string };
    runs?: (workflowId: string) => boolean;
  } = {},
): Promise<Rig> {
  const temp = await makeTempFolder();
  const repositoryFolder = join(options.on?.repository ?? temp.path, 'backups');
  await mkdir(repositoryFolder);
  const { agentSocket } = machine;
  const agent = agentSocket === undefined ? {} : { agent: agentSocket };
  const inventory = Inventory.parse({
    host: 'test',
    repository: repositoryFolder,
    state: join(options.on?.state ?? temp.path, 's'),
    vms: { vm: { scratchBytes: '64MiB', qmp: machine.qmpSocket, ...agent, ...options.vm } },
  });
  const repository = new RemoteRepository(repositoryFolder, {
    entry: built('repository/child.js'),
  });
  const paths = statePaths(inventory.state);
  return {
    machine,
    folder: temp.path,
    repositoryFolder,
    dependencies: {
      inventory,
      inventoryFile: 'stillpoint.yaml',
      hostName: 'test',
      paths,
      guardCommand: [process.execPath, built('host/guard/main.js')],
      repository: () => repository,
      isRunning: async ({ workflowId }) => options.runs?.(workflowId) ?? false,
    },
    [Symbol.asyncDispose]: async () => {
      repository.close();
      // What a test leaves when it fails, and on purpose. Without QEMU nobody needs them.
      await machine.kill();
      await endReceivers(paths, 'vm');
      const guard = await findGuard(paths, 'vm');
      if (guard !== undefined) process.kill(guard, 'SIGKILL');
      await temp[Symbol.asyncDispose]();
    },
  };
}

let starts = Date.UTC(2026, 10, 24);

/** What a workflow brings along: each call is a later one. */
export function newRun(): { backupId: string; runId: string; workflowId: string } {
  const runId = randomUUID();
  starts += 1_000;
  return { backupId: backupIdOf(new Date(starts), runId), runId, workflowId: 'backup/vm' };
}
