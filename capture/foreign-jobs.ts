import { ForeignJobError } from './errors.ts';
import { isOurs, type Disk, type VmState } from './vm-state.ts';

/**
 * Throws a `ForeignJobError` when a job of somebody else is at work on a disk. QEMU leaves the filter of such a job out
 * when it tells a device's node, and a filter of ours would take its place: the job then misses what the guest writes,
 * and on 11.1 a mirror that ends leaves a disk without it. A filter that has a name is told, and ours goes above it.
 */
export function refuseForeignJob(state: Pick<VmState, 'graph' | 'jobs'>, disk: Disk): void {
  const { graph } = state;
  if (!graph.hasEdges) refuseJobAnywhere(state);
  const filter = graph
    .parents(disk.node)
    .find((above) => !isOurs(above) && above !== disk.top && graph.isRoot(above));
  if (filter !== undefined)
    throw new ForeignJobError(
      `disk ${disk.device}: a block job of somebody else is at work on it (its filter is ${filter}); ` +
        'a backup would keep it from seeing what the guest writes. Start the backup again when it has ended',
    );
}

/** The jobs that put a filter above their disk, as long as they have not ended. */
const filtering = ['mirror', 'commit'];
const ended = ['concluded', 'null'];

/** Below QEMU 4.0 nobody is told which disk a job is at work on, and of that one QEMU takes no instant. */
function refuseJobAnywhere({ jobs }: Pick<VmState, 'jobs'>): void {
  const job = jobs.find(
    ({ id, type, status }) => !isOurs(id) && filtering.includes(type) && !ended.includes(status),
  );
  if (job)
    throw new ForeignJobError(
      `a block job of somebody else (${job.id}, ${job.type}) is at work in the VM, and this QEMU backs up no disk that one is at work on, ` +
        'nor tells which disk that is. Start the backup again when it has ended',
    );
}
