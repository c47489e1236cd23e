import { stat } from 'node:fs/promises';
import { removeFile, writeWhole } from '../files/durable.ts';
import { unlessAbsent } from '../files/system-error.ts';
import { parseOurName } from '../model/names.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { makeVmFolders, type StatePaths } from './state-paths.ts';

const graphMs = 3_000;

/**
 * Says that a VM which ran is being stopped by us: whoever finds it paused may let it run. Call it before `stop` is
 * sent, and only when the VM runs. There for every process when this resolves; a host that goes takes the VM along.
 */
export async function writeStopLease(
  paths: StatePaths,
  vm: string,
  backupId: string,
): Promise<void> {
  const { stop } = await makeVmFolders(paths, vm);
  await writeWhole(stop, JSON.stringify({ backupId, since: new Date().toISOString() }));
}

/** Call it after `cont`. May be called again. */
export async function clearStopLease(paths: StatePaths, vm: string): Promise<void> {
  await removeFile(paths.vm(vm).stop);
}

/** Whether we may have stopped this VM. The mere presence of the file says so, so that no damage to it keeps a VM paused. */
export async function hasStopLease(paths: StatePaths, vm: string): Promise<boolean> {
  return (await unlessAbsent(stat(paths.vm(vm).stop))) !== undefined;
}

/**
 * Whether a VM with a stop lease is to be continued: it was stopped, or paused by a write that our copy made fail. One
 * that was reset while it was stopped looks like one whose operator has not let it run yet, but in that one's QEMU there
 * is nothing of ours: whoever stops a VM has put nodes there before, and they leave after the lease.
 */
export async function standsStill(qmp: QmpClient, status: string): Promise<boolean> {
  if (status === 'paused' || status === 'io-error') return true;
  if (status !== 'prelaunch') return false;
  // It names every node, and is safe beside jobs that have ended.
  const { nodes } = await qmp.execute('x-debug-query-block-graph', {}, { timeoutMs: graphMs });
  return nodes.some(({ name }) => parseOurName(name) !== undefined);
}
