import { join } from 'node:path';
import type { RunningBackup } from '../../../client/running-backup.ts';
import { Stage, vm } from '../../../demo/stage.ts';
import { findGuard } from '../../../host/guard/find-guard.ts';
import { readLock } from '../../../host/lock.ts';
import { statePaths } from '../../../host/state-paths.ts';
import { copyJobs } from '../../../lab/copy-jobs.ts';
import { compare } from '../../../lab/compare.ts';
import { eventually } from '../../host/eventually.ts';

const MiB = 1024 ** 2;

/** A booted guest with two disks that writes all the time, and the product over it as an operator runs it. */
export async function buildStage(): Promise<Stage> {
  const disks = [{ virtualBytes: 160 * MiB }, { virtualBytes: 96 * MiB }];
  return Stage.build({ disks, ui: false });
}

/** What of a published backup differs from the disks at its instant, the last that the tap has seen. */
export async function differing({ tap, product }: Stage, backupId: string): Promise<string[]> {
  const held = tap.copies.at(-1)?.files ?? new Map<string, string>();
  const differences: string[] = held.size === 2 ? [] : ['the tap has no copy of two disks'];
  for (const [device, copy] of held) {
    const file = join(product.repository, vm, backupId, `${device}.qcow2`);
    const outcome = await compare(file, copy);
    if (outcome !== 'identical') differences.push(`${device}: ${outcome}`);
  }
  return differences;
}

/**
 * Starts a backup and resolves in the middle of its copy, which is watched, with its jobs: each
 * begins slowly. `setSpeed` lets them go on.
 */
export async function holdCopy(stage: Stage): Promise<{ backup: RunningBackup; jobs: string[] }> {
  stage.tap.copySpeed = 256 * 1024;
  const backup = await stage.client.startBackup({ vm });
  await eventually(async () => {
    const step = (await stage.client.getStatus(vm))?.step;
    return step?.activity === 'watchCopy' && step.state === 'running';
  });
  stage.tap.copySpeed = undefined;
  return { backup, jobs: await copyJobs(stage.machine.labQmp) };
}

/** A write to each of the guest's file systems comes to its end: the guest runs, and is not frozen. */
export async function guestWrites({ machine }: Stage): Promise<void> {
  await machine.guest.run('date >/mnt/sp-vd0/probe; date >/mnt/sp-vd1/probe; sync');
}

/** All of ours that is in the machine or on the host. */
export async function leftovers(stage: Stage): Promise<string[]> {
  const paths = statePaths(stage.product.state);
  const nodes = await stage.machine.labQmp.execute('query-named-block-nodes', { flat: true });
  const guard = await findGuard(paths, vm);
  return [
    ...nodes.flatMap((node) => node['node-name'] ?? []).filter((name) => name.startsWith('sp-')),
    ...(await copyJobs(stage.machine.labQmp)),
    ...((await readLock(paths, vm)) ? ['lock'] : []),
    ...(guard === undefined ? [] : [`guard ${guard}`]),
  ];
}
