import { benchFrozen } from './frozen.ts';
import { benchFull } from './full.ts';
import { benchKilled } from './killed.ts';
import { benchUnchanged } from './unchanged.ts';

// `npm run bench`: what a backup costs, each figure beside the raw limit that was measured in the same run.

const benches = [
  () => benchFrozen(false),
  () => benchFrozen(true),
  benchUnchanged,
  benchFull,
  benchKilled,
];
for (const bench of benches) console.log((await bench()).join('\n'));
