import { ForeignJobError } from './errors.ts';
import { isOurs, type Disk, type VmState } from './vm-state.ts';

/**
 * Throws a `ForeignJobError` when a job of somebody else is at work on a disk. QEMU leaves the filter of such a job out
 * when it tells a device's node, and a filter of ours would take its place: the job then misses what the guest writes,
 * and on 11.1 a mirror that ends leaves a disk without it. A filter that has a name is told, and ours goes above it.
 */
export function refuseForeignJob({ graph }: Pick<VmState, 'graph'>, disk: Disk): void {
  const filter = graph
    .parents(disk.node)
    .find((above) => !isOurs(above) && above !== disk.top && graph.isRoot(above));
  if (filter !== undefined)
    throw new ForeignJobError(
      `disk ${disk.device}: a block job of somebody else is at work on it (its filter is ${filter}); ` +
        'a backup would keep it from seeing what the guest writes. Start the backup again when it has ended',
    );
}
