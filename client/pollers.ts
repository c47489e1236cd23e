import type { WorkflowService } from '@temporalio/client';

/** A worker polls anew every minute at least; Temporal remembers those it has not seen for five. */
const ALIVE_MS = 90_000;

/** @see temporal/api/enums/v1/task_queue.proto, TaskQueueType */
const types = { workflow: 1, activity: 2 };

/** How many workers have lately polled a task queue. One that was killed counts on for up to 90 s. */
export async function countPollers(
  service: WorkflowService,
  namespace: string,
  taskQueue: string,
  kind: 'workflow' | 'activity' = 'workflow',
): Promise<number> {
  const { pollers } = await service.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- no package of ours exports this enum
    taskQueueType: types[kind],
  });
  const isAlive = (seconds: number) => Date.now() - seconds * 1000 < ALIVE_MS;
  return pollers.filter(({ lastAccessTime }) => isAlive(Number(lastAccessTime?.seconds ?? 0)))
    .length;
}
