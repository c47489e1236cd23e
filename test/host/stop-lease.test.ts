import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  clearStopLease,
  hasStopLease,
  standsStill,
  writeStopLease,
} from '../../host/stop-lease.ts';
import { QmpClient } from '../../qemu/qmp/client.ts';
import { makeStateFolder } from './state-folder.ts';
import { VmOnSockets } from './vm-on-sockets.ts';

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
  const ours = 'sp-20261124T020501Z-3fa9-00s';
  const cases = [
    { title: 'takes a paused VM for ours', status: 'paused', node: 'vd0', still: true },
    {
      title: 'takes one whose write our copy failed for ours',
      status: 'io-error',
      node: 'vd0',
      still: true,
    },
    {
      title: 'takes one that was reset while it was stopped for ours',
      status: 'prelaunch',
      node: ours,
      still: true,
    },
    {
      title: 'leaves one that was started since, and not let run, to its operator',
      status: 'prelaunch',
      node: 'vd0',
      still: false,
    },
    { title: 'has nothing to do with one that runs', status: 'running', node: ours, still: false },
    {
      title: 'has nothing to do with one that has shut down',
      status: 'shutdown',
      node: ours,
      still: false,
    },
  ];
  for (const { title, status, node, still } of cases)
    it(`it ${title}`, async () => {
      await using vm = await VmOnSockets.make();
      vm.qemu.nodes.push(node);
      await using qmp = await QmpClient.connect(vm.config.qmp, AbortSignal.timeout(20_000));

      expect(await standsStill(qmp, status)).toBe(still);
    });
});
