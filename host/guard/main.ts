import { GuardError } from '../errors.ts';
import { readGuardConfig } from './config.ts';
import { consoleLog, messageOf } from './log.ts';
import { runGuard } from './run-guard.ts';

// The guard: `node guard/main.js <state>/vms/<vm>/guard.json`, started by `startGuard`. It outlives whoever started it;
// its arguments are how it is found in /proc.

const log = consoleLog();

// What ends the worker's terminal or its group is not meant for the guest.
for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => log(`${signal} ignored`));

try {
  const path = process.argv[2] ?? '';
  const config = await readGuardConfig(path);
  if (!config) throw new GuardError(`${path}: no such file`);
  await runGuard(config, log, (giveUp) => {
    process.on('SIGTERM', () => giveUp('the guard was told to terminate'));
    // A defect of ours must not leave the guest frozen either.
    process.on('uncaughtException', (error) => {
      log(`defect: ${error.stack ?? messageOf(error)}`);
      giveUp(`the guard has failed: ${messageOf(error)}`);
    });
  });
  log('gone');
  process.exit(0);
} catch (error) {
  log(`no guard: ${messageOf(error)}`);
  process.exit(1);
}
