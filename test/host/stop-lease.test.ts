import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  clearStopLease,
  hasStopLease,
  standsStill,
  writeStopLease,
} from '../../host/stop-lease.ts';
import { makeStateFolder } from './state-folder.ts';

describe('the stop lease', () => {
  it('is there from its writing to its clearing, which may run again', async () => {
    await using state = await makeStateFolder();
    expect(await hasStopLease(state.paths, 'vm')).toBe(false);

    await writeStopLease(state.paths, 'vm', '20261124T020501Z-3fa9');
    expect(await hasStopLease(state.paths, 'vm')).toBe(true);

    await clearStopLease(state.paths, 'vm');
    await clearStopLease(state.paths, 'vm');
    expect(await hasStopLease(state.paths, 'vm')).toBe(false);
  });

  it('counts also when the file is damaged', async () => {
    await using state = await makeStateFolder();
    await writeStopLease(state.paths, 'vm', '20261124T020501Z-3fa9');

    await writeFile(state.paths.vm('vm').stop, '');

    expect(await hasStopLease(state.paths, 'vm')).toBe(true);
  });
});

describe('standsStill', () => {
  const minute = 60;
  const cases = [
    { title: 'takes a paused VM for ours', status: 'paused', still: true },
    { title: 'takes one whose write our copy failed for ours', status: 'io-error', still: true },
    {
      title: 'takes one that was reset while it was stopped for ours',
      status: 'prelaunch',
      still: true,
    },
    {
      title: 'leaves one that was started since, and not let run, to its operator',
      status: 'prelaunch',
      startedAfter: minute,
      still: false,
    },
    { title: 'has nothing to do with one that runs', status: 'running', still: false },
    { title: 'has nothing to do with one that has shut down', status: 'shutdown', still: false },
  ];
  for (const { title, status, still, startedAfter } of cases)
    it(`it ${title}`, async () => {
      await using state = await makeStateFolder();
      await writeStopLease(state.paths, 'vm', '20261124T020501Z-3fa9');
      const qmp = join(state.paths.root, 'qmp.sock');
      await writeFile(qmp, '');
      const bound = Date.now() / 1_000 + (startedAfter ?? -minute);
      await utimes(qmp, bound, bound);

      expect(await standsStill(state.paths, 'vm', { status, qmp })).toBe(still);
    });
});
