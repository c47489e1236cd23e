import { Worker, type NativeConnection } from '@temporalio/worker';
import { hostTaskQueue } from '../activities/control-activities.ts';
import type { HostDependencies } from '../activities/dependencies.ts';
import { createHostActivities } from '../activities/host-activities.ts';
import { shutdown } from './shutdown.ts';

/** The worker beside the hypervisor's QEMUs: activities only. */
export async function createHostWorker(
  where: { connection: NativeConnection; namespace: string },
  dependencies: HostDependencies,
): Promise<Worker> {
  return Worker.create({
    ...where,
    ...shutdown,
    taskQueue: hostTaskQueue(dependencies.inventory.host ?? dependencies.hostName),
    activities: createHostActivities(dependencies),
  });
}
