import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as activityErrors from '../../../activities/errors.ts';
import * as captureErrors from '../../../capture/errors.ts';
import * as filesErrors from '../../../files/errors.ts';
import * as hostErrors from '../../../host/errors.ts';
import * as inventoryErrors from '../../../inventory/errors.ts';
import * as qemuErrors from '../../../qemu/errors.ts';
import * as repositoryErrors from '../../../repository/errors.ts';
import { permanentWhilePlanning } from '../../../workflows/permanent-errors.ts';
import { storeHistory } from './histories.ts';
import { outcomeOf } from './outcome.ts';
import { Stage, type StagedVm } from './stage.ts';

let stage: Stage;
let known: StagedVm;
beforeAll(async () => {
  stage = await Stage.build();
  known = stage.vm('known');
});
afterAll(async () => stage[Symbol.asyncDispose]());

const classes: Record<string, unknown> = {
  ...activityErrors,
  ...captureErrors,
  ...filesErrors,
  ...hostErrors,
  ...inventoryErrors,
  ...qemuErrors,
  ...repositoryErrors,
};

/** An error of that class, whatever its constructor asks for: Temporal sees its name alone. */
function errorNamed(name: string): Error {
  const errorClass = classes[name];
  if (typeof errorClass !== 'function') throw new Error(`there is no class ${name}`);
  return Object.create(errorClass.prototype as object) as Error;
}

describe.concurrent('backupVm', { timeout: 60_000 }, () => {
  for (const name of permanentWhilePlanning)
    it(`fails at the first ${name} of planBackup`, async () => {
      const { calls, start } = stage.vm(`plan-${name}`, {
        planBackup: async () => {
          throw errorNamed(name);
        },
      });

      const outcome = await outcomeOf(await start());

      expect(outcome).toEqual({ status: 'FAILED', error: name });
      expect(calls).toEqual(['planBackup', 'rollbackBackup']);
    });

  it('tries a plan again whose failure may pass, and gives up after three', async () => {
    const { calls, start } = stage.vm('plan-again', {
      planBackup: async () => {
        throw errorNamed('QmpTimeoutError');
      },
    });
    const backup = await start();

    const outcome = await outcomeOf(backup);

    expect(outcome).toEqual({ status: 'FAILED', error: 'QmpTimeoutError' });
    expect(calls).toEqual(['planBackup', 'planBackup', 'planBackup', 'rollbackBackup']);
    await storeHistory('plan-failed', backup);
  });

  it('tries the targets again when the VM is busy for a moment', async () => {
    let attempts = 0;
    const { calls, start } = stage.vm('busy-later', {
      prepareTargets: async () => {
        if (++attempts === 1) throw errorNamed('QmpBusyError');
      },
    });

    await (await start()).result();

    expect(calls.slice(0, 4)).toEqual([
      'planBackup',
      'prepareTargets',
      'prepareTargets',
      'freezeGuest',
    ]);
  });
});

describe.concurrent('backupVm, with an input that makes no sense', { timeout: 60_000 }, () => {
  const inputs: { title: string; args: unknown[]; error: string }[] = [
    { title: 'nothing', args: [], error: 'RequestError' },
    { title: 'null', args: [null], error: 'RequestError' },
    { title: 'no VM', args: [{}], error: 'RequestError' },
    { title: 'a path as VM', args: [{ vm: '../../etc' }], error: 'RequestError' },
    { title: 'a path in the repository as VM', args: [{ vm: 'web1/x' }], error: 'RequestError' },
    { title: 'a number as VM', args: [{ vm: 7 }], error: 'RequestError' },
    { title: 'an unknown field', args: [{ vm: 'known', path: '/x' }], error: 'RequestError' },
    { title: 'an unknown kind', args: [{ vm: 'known', kind: 'half' }], error: 'RequestError' },
    { title: 'a path as since', args: [{ vm: 'known', since: '../x' }], error: 'RequestError' },
    { title: 'an unknown VM', args: [{ vm: 'nobody' }], error: 'UnknownVmError' },
    { title: 'a name that every object has', args: [{ vm: 'toString' }], error: 'UnknownVmError' },
  ];
  for (const { title, args, error } of inputs)
    it(`${title}: fails with ${error} and touches nothing`, async () => {
      const backup = await stage.start(title, ...args);

      const outcome = await outcomeOf(backup);

      expect(outcome).toEqual({ status: 'FAILED', error });
      expect(known.calls).toEqual([]);
      const { events } = await backup.fetchHistory();
      const scheduled = events?.flatMap(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? [],
      );
      expect(scheduled).toEqual(['locateVm']);
      if (title === 'an unknown VM') await storeHistory('unknown-vm', backup);
    });
});
