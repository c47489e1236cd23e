import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { clearStopLease, hasStopLease, writeStopLease } from '../../host/stop-lease.ts';
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
