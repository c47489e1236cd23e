import { mkdir, writeFile } from 'node:fs/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

const folder = new URL('../../histories/', import.meta.url);

/**
 * Stores the history of a finished backup for `test/workflows/replay.test.ts`, when UPDATE_HISTORIES=1 says so: after a
 * change of the workflow that no running backup can meet, or for a new branch.
 */
export async function storeHistory(branch: string, backup: WorkflowHandle): Promise<void> {
  if (process.env['UPDATE_HISTORIES'] !== '1') return;
  const { events } = JSON.parse(historyToJSON(await backup.fetchHistory()), needed) as {
    events: unknown[];
  };
  const lines = events.map((event) => JSON.stringify(event));
  await mkdir(folder, { recursive: true });
  await writeFile(new URL(`${branch}.json`, folder), `{"events":[\n${lines.join(',\n')}\n]}\n`);
}

/** What replay does not read: it would double the files, and tell of the machine that a test ran on. */
const idle = ['stackTrace', 'identity', 'workerVersion', 'taskId', 'requestId', 'historySizeBytes'];

function needed(key: string, value: unknown): unknown {
  return idle.includes(key) ? undefined : value;
}
