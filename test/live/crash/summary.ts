import type { Outcome } from './trial.ts';

/** A table of a matrix, a line for each fault: how often it happened, how the backups ended, and the guest's longest waits. */
export function summary(outcomes: readonly Outcome[]): string {
  const hit = outcomes.filter((outcome) => outcome.hit);
  const byFault = grouped(hit, ({ fault }) => fault);
  const lines = [...byFault].map(([fault, of]) => {
    const ends = grouped(of, ({ ended }) => ended.replace(/^completed .*/, 'completed'));
    const how = [...ends].map(([end, { length }]) => `${length} ${end}`).join(', ');
    const longest = (which: (outcome: Outcome) => number) => Math.max(...of.map(which));
    return `${fault.padEnd(20)} ${String(of.length).padStart(5)} ${String(longest(({ frozenMs }) => frozenMs)).padStart(9)} ${String(longest(({ pausedMs }) => pausedMs)).padStart(9)}  ${how}`;
  });
  return [
    '',
    `${'fault'.padEnd(20)} cells frozen ms paused ms  how the backups ended`,
    ...lines,
    `${hit.length} faults happened, ${hit.filter(({ wrong }) => wrong.length > 0).length} ended otherwise than promised.`,
  ].join('\n');
}

function grouped<T>(all: readonly T[], by: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(by(one), [...(groups.get(by(one)) ?? []), one]);
  return groups;
}
