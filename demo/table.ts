import type { Act } from './act.ts';

/** What each backup was, and what it cost the guest, as lines of a table. */
export function table(acts: readonly Act[]): string {
  const head = ['backup', 'kind', 'bytes', 'frozen ms', 'paused ms', 'consistency', 'seconds'];
  const rows = acts.map(({ title, result, pausedMs, seconds }) => [
    title,
    result.kind,
    String(result.disks.reduce((total, { bytes }) => total + bytes, 0)),
    result.frozenMs.toFixed(0),
    pausedMs.toFixed(1),
    result.consistency,
    seconds.toFixed(1),
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [head, ...rows]
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .join('\n');
}
