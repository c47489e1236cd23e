import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { readFreezeRecord, writeFreezeRecord } from '../../host/freeze-record.ts';
import { makeVmFolders } from '../../host/state-paths.ts';
import { makeStateFolder } from './state-folder.ts';

describe('readFreezeRecord', () => {
  it('reads what was written', async () => {
    await using state = await makeStateFolder();
    await makeVmFolders(state.paths, 'vm');
    const record = {
      backupId: '20261124T020501Z-3fa9',
      pid: 1,
      state: 'thawed',
      since: '2026-11-24T02:05:01.000Z',
      until: '2026-11-24T02:05:11.000Z',
      frozenMs: 12.5,
      held: true,
    } as const;

    await writeFreezeRecord(state.paths, 'vm', record);

    expect(await readFreezeRecord(state.paths, 'vm')).toEqual(record);
  });

  it('tells a VM without a record from one whose record cannot be read, and whose guest may be frozen', async () => {
    await using state = await makeStateFolder();
    const { freeze } = await makeVmFolders(state.paths, 'vm');
    expect(await readFreezeRecord(state.paths, 'vm')).toBeUndefined();

    for (const damage of ['{"state": "cold"}', '{"sta', '']) {
      await writeFile(freeze, damage);
      expect(await readFreezeRecord(state.paths, 'vm')).toEqual({ state: 'unknown' });
    }
  });
});
