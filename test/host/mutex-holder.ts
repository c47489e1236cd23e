import { withVmMutex } from '../../host/mutex.ts';
import { statePaths } from '../../host/state-paths.ts';

// Holds a VM's mutex for ever, as a process of its own.

const [stateDir = ''] = process.argv.slice(2);
const limits = { signal: new AbortController().signal, timeoutMs: 0 };
await withVmMutex(statePaths(stateDir), 'vm', limits, async () => {
  console.log('held');
  setInterval(() => {}, 60_000);
  await new Promise(() => {});
});
