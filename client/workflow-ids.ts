/** The task queue of the workflows. */
export const taskQueue = 'stillpoint';

/** Temporal lets only one workflow of an id run at a time, so there is one backup of a VM. */
export function workflowIdOf(vm: string): string {
  return `backup/${vm}`;
}

/** The same for exports. A backup and an export of one VM keep apart by its lock. */
export function exportIdOf(vm: string): string {
  return `export/${vm}`;
}

/** The VM of a run's workflow. A schedule appends the time at which it started the run. */
export function vmOf(workflowId: string): string | undefined {
  return /^(?:backup|export)\/(.+?)(?:-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?$/.exec(workflowId)?.[1];
}

/** The task queue of the worker on a host. */
export function hostTaskQueue(host: string): string {
  return `${taskQueue}-host-${host}`;
}
