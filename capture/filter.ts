import { ourName, temporaryBitmapName } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import type { BlockGraph } from './graph.ts';
import { isOurs, type Disk } from './vm-state.ts';

/** Seconds that a guest write may wait for the scratch. On 7.2 the option overflows: 45 acts as 2.05, 4 is safe. */
const cbwTimeoutSeconds = 4;

/**
 * Puts a copy-before-write filter between a device and its disk, and what looks behind it beside, by three commands that
 * are sent at once: the answers are still to come. Only while the VM is stopped: a request that is under way on an
 * iothread while either is added kills QEMU 7.2 (SIGABRT in `bdrv_open`). And and only on a disk that was just seen without one: setting the node that a
 * device already has kills QEMU. Where the filter could not be made, the device keeps the node that it has.
 */
export function insertFilter(
  qmp: QmpClient,
  plan: BackupPlan,
  planned: DiskPlan,
  disk: Disk,
): Promise<unknown>[] {
  const filter = ourName(plan.backupId, planned.index, 'f');
  const bitmap = { node: disk.node, name: temporaryBitmapName(plan.backupId, planned.index) };
  const made = qmp.execute('blockdev-add', {
    driver: 'copy-before-write',
    'node-name': filter,
    file: disk.node,
    target: ourName(plan.backupId, planned.index, 's'),
    'on-cbw-error': 'break-snapshot',
    'cbw-timeout': cbwTimeoutSeconds,
    // A consumer may read all of the disk, not what has changed alone.
    ...(planned.kind === 'full' || plan.served ? {} : { bitmap }),
  });
  return [
    made,
    qmp.execute('qom-set', { path: disk.qomPath, property: 'drive', value: filter }),
    qmp.execute('blockdev-add', {
      driver: 'snapshot-access',
      'node-name': ourName(plan.backupId, planned.index, 'a'),
      file: filter,
    }),
  ];
}

/** Gives each device that has a filter of ours its own disk back. Looks at every device just before. */
export async function takeFiltersOut(
  qmp: QmpClient,
  disks: readonly Disk[],
  graph: BlockGraph,
): Promise<void> {
  for (const { top, qomPath } of disks) {
    const below = isOurs(top) ? graph.child(top, 'file') : undefined;
    if (below !== undefined)
      await qmp.execute('qom-set', { path: qomPath, property: 'drive', value: below });
  }
}
