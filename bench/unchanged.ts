import { median, spread } from './median.ts';
import { buildSite, type Site } from './site.ts';

const rounds = 7;
const MiB = 1024 ** 2;

/** An incremental of a machine where nothing has changed: from its start to its result, and what Temporal counts for it. */
export async function benchUnchanged(): Promise<string[]> {
  await using site = await buildSite({
    disks: [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }],
  });
  const took: number[] = [];
  const before = await actions(site);
  for (let round = 0; round < rounds; round++) took.push((await site.backUp()).tookMs);
  const each = ((await actions(site)) - before) / rounds;
  return [
    'incremental with nothing changed, two disks, warm worker',
    `  start to finished      ${spread(took, 'ms')}${median(took) > 2_000 ? '  (bar: 2000 ms)' : ''}`,
    `  Temporal actions       ${each.toFixed(1)} for each backup`,
  ];
}

/** What the server would bill so far in our namespace. */
async function actions({ product }: Site): Promise<number> {
  const metrics = await (await fetch(product.temporal.metricsUrl)).text();
  return metrics
    .split('\n')
    .filter((line) => line.startsWith('action{') && line.includes('namespace="default"'))
    .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
}
