import type { WorkflowHandle } from '@temporalio/client';
import type { HostActivities } from '../../../activities/host-activities.ts';
import { goesWell } from './fake-host.ts';

/** What the Web UI shows as current details. */
export async function detailsOf(backup: WorkflowHandle): Promise<string> {
  const metadata = await backup.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails;
}

/** Steps that go well, and `look` before each. */
export function lookingBefore(look: (step: string) => Promise<void>): HostActivities {
  const looking = Object.entries(goesWell).map(([name, act]) => [
    name,
    async (input: never) => {
      await look(name);
      return act(input);
    },
  ]);
  return Object.fromEntries(looking) as HostActivities;
}

/** How often a backup has upserted search attributes: each is an action that Temporal Cloud bills. */
export async function upsertsOf(backup: WorkflowHandle): Promise<number> {
  const { events = [] } = await backup.fetchHistory();
  return (events ?? []).filter((event) => event.upsertWorkflowSearchAttributesEventAttributes)
    .length;
}
