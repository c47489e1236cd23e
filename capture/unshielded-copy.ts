import { parseOurName } from '../model/names.ts';
import { isShielded } from './traces.ts';
import type { VmState } from './vm-state.ts';

/**
 * The backup whose copy runs straight from the disks, or has failed. A write of the guest that its target made fail has
 * then paused the VM, if that stands still with an I/O error; once the jobs are gone nothing tells any more.
 */
export function unshieldedCopy(state: VmState): string | undefined {
  if (isShielded(state)) return undefined;
  const troubling = state.jobs.find(
    ({ id, status, error }) =>
      // What is read of an overlay goes nowhere, so no write of the guest can fail because of it.
      (parseOurName(id)?.role ?? 'o') !== 'o' &&
      (status === 'concluded' ? error !== undefined : true),
  );
  return troubling && parseOurName(troubling.id)?.backupId;
}
