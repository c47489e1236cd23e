import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { backUp, killWorkerMidCopy, type Act } from './act.ts';
import { compareChain, restoreAndCompare } from './check.ts';
import { say } from './say.ts';
import { Stage } from './stage.ts';
import { table } from './table.ts';

// `npm run demo`: the main job on real parts, from nothing to a restored disk that is compared byte for byte.

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
const MiB = 1024 ** 2;
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => interrupted.abort(new Error(signal)));

try {
  await perform();
} catch (error) {
  if (interrupted.signal.aborted) process.exitCode = 130;
  else throw error;
}

async function perform(): Promise<void> {
  say(
    'booting a guest with two disks and a workload; starting Temporal with its Web UI, and the worker',
  );
  const disks = [{ virtualBytes: 512 * MiB }, { virtualBytes: 384 * MiB }];
  await using stage = await Stage.build({ disks, ui: true });
  say(`watch in the Temporal Web UI: ${stage.product.temporal.uiUrl}`);
  const interruption = once(interrupted.signal, 'abort').then(() => {
    throw interrupted.signal.reason;
  });
  const differences = await Promise.race([play(stage), interruption]);
  if (differences.length > 0) {
    console.error(`\nThe backups are NOT what the disks held:\n${differences.join('\n')}`);
    process.exitCode = 1;
  }
  if (!values.keep) return;
  console.log(`\nAll is left running; Ctrl-C ends it.
  Web UI     ${stage.product.temporal.uiUrl}
  inventory  ${stage.product.config}
  try        npx --no-install stillpoint backup web1 --config ${stage.product.config}`);
  await interruption;
}

/** The play: a full backup, an incremental, and one whose worker is killed. Returns what was not as it must be. */
async function play(stage: Stage): Promise<string[]> {
  const acts: Act[] = [];
  acts.push(await backUp(stage, { title: 'first', kind: 'auto' }));
  const { guest } = stage.machine;
  await guest.run('dd if=/dev/urandom of=/mnt/sp-vd0/report bs=64k count=64 conv=fsync');
  acts.push(await backUp(stage, { title: 'second', kind: 'auto' }));
  say('the guest writes 96 MiB');
  await guest.run('dd if=/dev/urandom of=/mnt/sp-vd0/bulk bs=1M count=96 conv=fsync', {
    timeoutMs: 120_000,
  });
  acts.push(
    await backUp(stage, { title: 'third, worker killed', kind: 'auto' }, () =>
      killWorkerMidCopy(stage),
    ),
  );

  const differences: string[] = [];
  say('comparing the repository, as plain qemu-img reads it, with the disks at each instant');
  for (const act of acts) differences.push(...(await compareChain(stage, act)));
  say('restoring the last backup with the CLI');
  const last = acts.at(-1);
  if (last) differences.push(...(await restoreAndCompare(stage, last)));
  console.log(`\n${table(acts)}\n\nTemporal Web UI: ${stage.product.temporal.uiUrl}`);
  return differences;
}
