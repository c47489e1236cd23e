import { benchFrozen } from './frozen.ts';
import { benchFull } from './full.ts';
import { benchUnchanged } from './unchanged.ts';

// `npm run bench`: what a backup costs, each figure beside the raw limit that was measured in the same run.

for (const bench of [() => benchFrozen(false), () => benchFrozen(true), benchUnchanged, benchFull])
  console.log((await bench()).join('\n'));
