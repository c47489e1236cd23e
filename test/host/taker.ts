import { GuardClient } from '../../host/guard/client.ts';
import type { GuardConfig } from '../../host/guard/config.ts';
import { startGuard } from '../../host/guard/start.ts';
import { statePaths } from '../../host/state-paths.ts';
import { writeStopLease } from '../../host/stop-lease.ts';
import { connectVm } from '../../host/vm-socket.ts';

// A worker as a process of its own, for tests that kill it: starts a guard, freezes, arms, stops the VM over the relay,
// says so on stdout, and then stays in the middle of the instant for ever.

const [configText = '', ...guardCommand] = process.argv.slice(2);
const config = JSON.parse(configText) as GuardConfig;
const signal = AbortSignal.timeout(30_000);
const paths = statePaths(config.stateDir);

await startGuard(guardCommand, config, signal);
const guard = await GuardClient.connect(paths, config.vm, signal);
await guard.freeze(30_000);
await guard.arm();
const qmp = await connectVm(paths, config.vm, config.qmp, signal);
await writeStopLease(paths, config.vm, config.backupId);
await qmp.execute('stop', {});
console.log('stopped');
setInterval(() => {}, 60_000);
