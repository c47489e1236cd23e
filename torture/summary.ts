import type { Tally } from './tally.ts';

/** One line of how far it is. */
export function progressLine(tally: Tally, seconds: number): string {
  const { 'rolled back': back = 0, terminated = 0 } = tally.backups;
  const kinds = ['full', 'incremental', 'differential'].map(
    (kind) => `${tally.backups[kind] ?? 0} ${kind}`,
  );
  return (
    `${seconds.toFixed(0).padStart(5)} s  ${tally.stories} stories, ${tally.completed} backups verified ` +
    `(${kinds.join(', ')}), ${back} rolled back, ${terminated} terminated; ${tally.faultsHit} faults hit; misses 0`
  );
}

/** All that was counted, for a file. */
export function record(tally: Tally, seconds: number): Record<string, unknown> {
  const { stories, completed, disksCompared, bytesCompared, faultsHit } = tally;
  const { backups, shields, disks, faults, failures, happenings } = tally;
  return {
    seconds,
    stories,
    completed,
    disksCompared,
    bytesCompared,
    faultsHit,
    backups,
    shields,
    disks,
    faults,
    failures,
    happenings,
  };
}

/** All that was counted, as a table. */
export function summary(tally: Tally, seconds: number): string {
  const faults = Object.entries(tally.faults).map(([kind, ends]): [string, string] => [
    kind,
    counts(ends),
  ]);
  const rows: [string, string][] = [
    ['seconds', seconds.toFixed(0)],
    ['stories told to their end', String(tally.stories)],
    ['backups completed, each disk compared', String(tally.completed)],
    [
      'disks compared',
      `${tally.disksCompared}, ${(tally.bytesCompared / 1024 ** 3).toFixed(1)} GiB`,
    ],
    ['backups', counts(tally.backups)],
    ['shield', counts(tally.shields)],
    ['disks', counts(tally.disks)],
    ['between backups', counts(tally.happenings)],
    ['faults hit while a backup ran', String(tally.faultsHit)],
    ...faults.map(([kind, ends]): [string, string] => [`  ${kind}`, ends]),
    ['failed with', counts(tally.failures)],
  ];
  const width = Math.max(...rows.map(([title]) => title.length));
  return rows.map(([title, value]) => `${title.padEnd(width)}  ${value}`).join('\n');
}

function counts(of: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(of).toSorted(([, a], [, b]) => b - a);
  return sorted.map(([what, count]) => `${count} ${what}`).join(', ') || 'none';
}
