import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tier } from '../model/choices.ts';
import type { Tap } from './tap.ts';

/** The VMs of every story, by their place in it. The first has its backups on a file system that can fail. */
export const vmNames = ['vm0', 'vm1', 'vm2'] as const;

/** Short deadlines: a story waits for them. */
const settings = {
  quiesce: 'off',
  scratchBytes: '64MiB',
  // A busy machine, or a server that is being started again, must not look like a target that hangs.
  targetStallSeconds: 10,
  maxFreezeSeconds: 3,
  keepSegments: 6,
};

/** Writes the inventory of a host that has those VMs, and returns its path. Taps and repositories are by place. */
export async function writeInventory(
  folder: string,
  parts: {
    readonly address: string;
    readonly taps: readonly Tap[];
    readonly repositories: readonly string[];
    readonly tier: Tier | undefined;
  },
): Promise<string> {
  const { address, taps, repositories, tier } = parts;
  const config = join(folder, 'stillpoint.yaml');
  const vms = vmNames.map((name, at) => [
    name,
    { qmp: taps[at]?.qmpSocket, repository: repositories[at] },
  ]);
  const inventory = {
    temporal: { address, namespace: 'default' },
    host: 'lab',
    repository: repositories.at(-1),
    state: join(folder, 'state'),
    defaults: { ...settings, ...(tier && { tier }) },
    vms: Object.fromEntries(vms),
  };
  // YAML holds JSON.
  await writeFile(config, JSON.stringify(inventory, undefined, 2));
  return config;
}
