import { benchExport } from './export.ts';
import { benchFrozen } from './frozen.ts';
import { benchFull } from './full.ts';
import { benchKilled } from './killed.ts';
import { benchSlowTarget } from './slow-target.ts';
import { benchUnchanged } from './unchanged.ts';
import { benchWatchedAgain } from './watched-again.ts';

// `npm run bench`: what a backup costs, each figure beside the raw limit that was measured in the same run.

const benches = [
  () => benchFrozen(false),
  () => benchFrozen(true),
  benchUnchanged,
  benchFull,
  benchExport,
  benchKilled,
  benchWatchedAgain,
  () => benchSlowTarget({ shield: 'fleece' }),
  () => benchSlowTarget({ shield: 'fleece', tier: 'fleece-job' }),
];
for (const bench of benches) console.log((await bench()).join('\n'));
