import { parseOurName } from '../model/names.ts';
import { QmpTimeoutError } from '../qemu/errors.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { cancelJobs } from './cancel-jobs.ts';
import type { Receivers } from './ports.ts';
import { removeNodes } from './remove-nodes.ts';
import type { VmState } from './vm-state.ts';

/** A mute receiver hangs the monitor while its node is removed: so long, and it is replaced. */
const removeMs = 3_000;

/**
 * Takes the jobs and targets of an unshielded copy out while their receivers answer. The guest's own writes wait for
 * these targets, and a target that has lost its receiver makes QEMU wait for it to come back, 20 s with the monitor
 * hung: so each gets a sink first, where its receiver has died, or answers no more.
 */
export async function letGoOfTargets(
  qmp: QmpClient,
  state: VmState,
  receivers: Receivers,
): Promise<void> {
  const targets = targetsOf(state);
  if (targets.length === 0) return;
  await receivers.substituteDead(targets);
  // A job that does not end waits for a receiver that is mute, and so do the writes of the guest.
  if ((await cancelJobs(qmp)) && (await areRemoved(qmp, state))) return;
  await receivers.end();
  await receivers.substituteDead(targets);
  await cancelJobs(qmp);
  await removeNodes(qmp, state, ['t']);
}

async function areRemoved(qmp: QmpClient, state: VmState): Promise<boolean> {
  try {
    await removeNodes(qmp, state, ['t'], { timeoutMs: removeMs });
    return true;
  } catch (error) {
    if (error instanceof QmpTimeoutError) return false;
    throw error;
  }
}

/** The disks that have a target; a sink as large as the largest disk takes the writes of any. */
function targetsOf({ graph, disks }: VmState) {
  const virtualBytes = Math.max(...disks.map((disk) => disk.virtualBytes), 0);
  return graph.nodes.flatMap((node) => {
    const parsed = parseOurName(node);
    return parsed?.role === 't' ? [{ index: parsed.disk, virtualBytes }] : [];
  });
}
