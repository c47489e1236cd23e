import { expect, it } from 'vitest';
import { sweepHost } from '../../../activities/sweep-host.ts';
import { writeStopLease } from '../../../host/stop-lease.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { eventually } from '../../host/eventually.ts';
import { mountOrSkip } from '../file-system.ts';
import { needFilter } from '../rig/need.ts';
import { makeRig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';

it('a sweep lets a stopped VM run on although the target of one before it hangs', async (context) => {
  await using files = await mountOrSkip(context, 256);
  await using machine = await startQemu();
  await needFilter(context, machine);
  await using stopped = await startQemu();
  await using rig = await makeRig(machine, { on: { repository: files.path } });
  const { inventory, paths } = rig.dependencies;
  const vms = { ...inventory.vms, zz: { qmp: stopped.qmpSocket, repository: rig.folder } };
  const dependencies = { ...rig.dependencies, inventory: { ...inventory, vms } };
  // What a run leaves that was terminated, and another one whose worker and guard were killed with the VM stopped.
  const run = await new Way(rig).until('startCopy');
  await stopped.labQmp.execute('cont', {});
  await writeStopLease(paths, 'zz', run.plan.backupId);
  await stopped.labQmp.execute('stop', {});
  await files.hang();
  let ended = false;

  const sweeping = sweepHost(dependencies, new AbortController().signal, {
    done: () => {},
    trouble: () => {},
  }).finally(() => {
    ended = true;
  });

  await eventually(async () => (await stopped.labQmp.execute('query-status', {})).running);
  expect(ended).toBe(false);
  await files.recover();
  await sweeping;
});
