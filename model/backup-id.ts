/**
 * The id of the backup that a workflow makes: its start in UTC and the last four hex digits of its original run id,
 * `20261124T020501Z-3fa9`. A reset keeps both, so a reset workflow meets its own traces. The last digits, for run ids
 * are UUIDs of version 7: their first ones are the time, the same for days.
 * Workflow code imports this file as a value, so it imports nothing.
 */
export function backupIdOf(startTime: Date, originalRunId: string): string {
  const stamp = startTime
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '');
  return `${stamp}-${originalRunId.slice(-4)}`;
}
