import type { StillpointClient } from '../stillpoint-client.ts';
import { hostTaskQueue, taskQueue } from '../workflow-ids.ts';
import type { Check } from './check.ts';

/** The VMs that a backup runs on now, which are left in peace. Unknown without Temporal: then none. */
export type TemporalFindings = { readonly checks: Check[]; readonly busy: ReadonlySet<string> };

/** Temporal: does it answer, and do workers poll for the workflows and for each of `hosts`? */
export async function examineTemporal(
  connect: () => Promise<StillpointClient>,
  hosts: readonly string[],
): Promise<TemporalFindings> {
  const check = 'temporal';
  try {
    const client = await connect();
    const running = await client.listRunning();
    const checks: Check[] = [{ check, state: 'ok', message: 'answers' }];
    checks.push(workerCheck('worker', taskQueue, await client.countPollers(), 'control'));
    for (const host of hosts) {
      const pollers = await client.countPollers(hostTaskQueue(host), 'activity');
      checks.push(workerCheck(`worker of ${host}`, hostTaskQueue(host), pollers, 'host'));
    }
    return { checks, busy: new Set(running.map(({ vm }) => vm)) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { checks: [{ check, state: 'problem', message }], busy: new Set() };
  }
}

function workerCheck(check: string, queue: string, pollers: number, role: string): Check {
  return pollers > 0
    ? { check, state: 'ok', message: `polls the task queue ${queue}` }
    : {
        check,
        state: 'problem',
        message: `nobody polls the task queue ${queue}, so backups wait`,
        advice: `Start it: stillpoint worker --role ${role}`,
      };
}
