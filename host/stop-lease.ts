import { stat } from 'node:fs/promises';
import { removeFile, writeWhole } from '../files/durable.ts';
import { unlessAbsent } from '../files/system-error.ts';
import { makeVmFolders, type StatePaths } from './state-paths.ts';

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

/** Whether a VM with a stop lease is to be continued: it was stopped, or paused by a write that our copy made fail. */
export function standsStill(status: string): boolean {
  return status === 'paused' || status === 'io-error';
}
