import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { compare } from '../lab/compare.ts';
import type { Act } from './act.ts';
import { say } from './say.ts';
import type { Stage } from './stage.ts';

/** Restores a backup with the CLI, as an operator would, and tells what differs from the disks at its instant. */
export async function restoreAndCompare(stage: Stage, act: Act): Promise<string[]> {
  const to = join(stage.product.folder, 'restored');
  await mkdir(to, { recursive: true });
  const cli = new URL('../client/cli.js', import.meta.url).pathname;
  const { backupId } = act.result;
  const args = [cli, 'restore', 'web1', backupId, '--to', to, '--config', stage.product.config];
  await execa(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return compareWith(act, (device) => join(to, `${device}.qcow2`));
}

/** Compares the files of the repository as they lie, each with its chain, with the disks at the instant. */
export async function compareChain(stage: Stage, act: Act): Promise<string[]> {
  const folder = join(stage.product.repository, 'web1', act.result.backupId);
  return compareWith(act, (device) => join(folder, `${device}.qcow2`));
}

async function compareWith(act: Act, fileOf: (device: string) => string): Promise<string[]> {
  const differences: string[] = [];
  for (const [device, held] of act.held) {
    const outcome = await compare(fileOf(device), held);
    say(`  ${act.result.backupId} ${device}: ${outcome}`);
    if (outcome !== 'identical') differences.push(`${device}: ${outcome}`);
  }
  return differences;
}
