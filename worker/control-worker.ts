import { Worker, type NativeConnection } from '@temporalio/worker';
import {
  createControlActivities,
  type ControlDependencies,
} from '../activities/control-activities.ts';
import { workflowBundle } from './programs.ts';
import { shutdown } from './shutdown.ts';

/** The task queue of workflows, which every client starts them on. */
const controlTaskQueue = 'stillpoint';

/** The worker that runs workflows and finds VMs. It touches no hypervisor. */
export async function createControlWorker(
  where: { connection: NativeConnection; namespace: string },
  dependencies: ControlDependencies,
): Promise<Worker> {
  return Worker.create({
    ...where,
    ...shutdown,
    taskQueue: controlTaskQueue,
    workflowBundle: { codePath: workflowBundle },
    activities: createControlActivities(dependencies),
    // A workflow task of a dead worker waits this long for it: 10 s by default.
    stickyQueueScheduleToStartTimeout: '1 second',
  });
}
