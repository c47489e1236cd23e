import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { acquireLock, releaseLock } from '../../host/lock.ts';
import { wishedSpeed, wishSpeed } from '../../host/speed-wish.ts';
import { makeVmFolders } from '../../host/state-paths.ts';
import { makeStateFolder } from './state-folder.ts';

const [backupId, another] = ['20261124T020501Z-3fa9', '20261125T020501Z-3fa9'];

describe('wishedSpeed', () => {
  it('is the last wish for this backup, and for no other', async () => {
    await using state = await makeStateFolder();

    await wishSpeed(state.paths, 'vm', { backupId, bytesPerSecond: 65_536 });
    await wishSpeed(state.paths, 'vm', { backupId, bytesPerSecond: 0 });

    expect(await wishedSpeed(state.paths, 'vm', backupId)).toBe(0);
    expect(await wishedSpeed(state.paths, 'vm', another)).toBeUndefined();
  });

  it('is one of those that were wished at once, and each of them is taken', async () => {
    await using state = await makeStateFolder();
    const speeds = Array.from({ length: 12 }, (_, index) => 65_536 * (index + 1));

    await Promise.all(
      speeds.map((bytesPerSecond) => wishSpeed(state.paths, 'vm', { backupId, bytesPerSecond })),
    );

    expect(speeds).toContain(await wishedSpeed(state.paths, 'vm', backupId));
  });

  it('is none when nothing was wished, or what was is damaged', async () => {
    await using state = await makeStateFolder();
    const before = await wishedSpeed(state.paths, 'vm', backupId);
    await writeFile((await makeVmFolders(state.paths, 'vm')).speed, '{"half');

    expect([before, await wishedSpeed(state.paths, 'vm', backupId)]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('goes with the lock', async () => {
    await using state = await makeStateFolder();
    await acquireLock(state.paths, 'vm', { backupId, workflowId: 'backup/vm', runId: 'run' });
    await wishSpeed(state.paths, 'vm', { backupId, bytesPerSecond: 65_536 });

    await releaseLock(state.paths, 'vm', backupId);

    expect(await wishedSpeed(state.paths, 'vm', backupId)).toBeUndefined();
  });
});
