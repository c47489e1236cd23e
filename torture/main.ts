import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Tier } from '../model/choices.ts';
import { campaign } from './campaign.ts';
import { printStory } from './print-story.ts';
import { progressLine, record, summary } from './summary.ts';
import { Tally } from './tally.ts';

// `npm run torture`: random stories of VMs, writes, backups and faults, and every backup compared byte by byte.

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    minutes: { type: 'string', default: '10' },
    path: { type: 'string' },
    'shrink-minutes': { type: 'string' },
    json: { type: 'string' },
    tier: { type: 'string' },
  },
});
const { seed, path, json } = values;
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => interrupted.abort(new Error(signal)));

const tally = new Tally();
const start = performance.now();
const seconds = () => (performance.now() - start) / 1_000;
console.log(`seed ${seed}`);
const timer = setInterval(() => console.log(progressLine(tally, seconds())), 10_000);
const { failure, files } = await campaign({
  seed: Number(seed),
  minutes: Number(values.minutes),
  path,
  // One that is told again is as short as it was made.
  shrinkMinutes: Number(values['shrink-minutes'] ?? (path === undefined ? 5 : 0)),
  signal: interrupted.signal,
  tally,
  tier: values.tier === undefined ? undefined : Tier.parse(values.tier),
  onFailure: (error) =>
    console.error(`\n${seconds().toFixed(0)} s  A story failed: ${String(error)}`),
}).finally(() => clearInterval(timer));

console.log(`\n${summary(tally, seconds())}`);
if (!files)
  console.error(
    '\nNO TARGET WAS FULL OR HUNG: for that, a file system has to be mounted, as root.',
  );
if (json !== undefined) {
  const told = {
    seed: Number(seed),
    ...record(tally, seconds()),
    files,
    failed: failure !== undefined,
  };
  await writeFile(json, JSON.stringify(told, undefined, 2));
}
if (failure) {
  console.error(`\nMISSED: ${detailsOf(failure.error)}\n\n${printStory(failure.story).join('\n')}`);
  console.error(`\nTell it again: npm run torture -- --seed ${seed} --path ${failure.path}`);
  process.exitCode = 1;
} else if (interrupted.signal.aborted) process.exitCode = 130;

function detailsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
