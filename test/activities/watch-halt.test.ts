import { expect, it } from 'vitest';
import { watchHalt } from '../../activities/watch-halt.ts';
import { acquireLock } from '../../host/lock.ts';
import { Inventory } from '../../model/inventory.ts';
import { RemoteRepository } from '../../repository/remote.ts';
import { diskPlan, samplePlan } from '../capture/sample.ts';
import { makeStateFolder } from '../host/state-folder.ts';

it('a copy whose receiver has died waits for no operator', async () => {
  await using state = await makeStateFolder();
  const plan = samplePlan({ onTargetError: 'stop', disks: [diskPlan(0)] });
  const { vm, backupId } = plan;
  await acquireLock(state.paths, vm, { backupId, workflowId: 'backup/vm', runId: 'run' });
  const dependencies = {
    inventory: Inventory.parse({
      host: 'hv1',
      repository: '/srv/backups',
      vms: { [vm]: { qmp: `${state.paths.root}/no-qmp`, scratchBytes: 1024 ** 2 * 64 } },
    }),
    inventoryFile: 'stillpoint.yaml',
    hostName: 'hv1',
    paths: state.paths,
    guardCommand: [],
    repository: () => new RemoteRepository('/srv/backups'),
    isRunning: async () => false,
  };

  const watching = watchHalt(dependencies, plan, AbortSignal.timeout(20_000), () => {});

  await expect(watching).rejects.toMatchObject({
    name: 'TargetLostError',
    message: expect.stringMatching('receiver of vd0 died'),
  });
});
