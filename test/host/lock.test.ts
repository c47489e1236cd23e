import { readdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { LockLostError, StateError, VmBusyError } from '../../host/errors.ts';
import { acquireLock, readLock, releaseLock, requireLock } from '../../host/lock.ts';
import { makeVmFolders } from '../../host/state-paths.ts';
import { makeStateFolder } from './state-folder.ts';

const mine = { backupId: '20261124T020501Z-3fa9', workflowId: 'backup/vm', runId: 'run-1' };
const theirs = { backupId: '20261124T020502Z-aaaa', workflowId: 'backup/vm-2', runId: 'run-2' };

describe('acquireLock', () => {
  it('takes a free VM, and says so again to the same backup', async () => {
    await using state = await makeStateFolder();

    const taken = await acquireLock(state.paths, 'vm', mine);

    expect(taken).toMatchObject(mine);
    expect(await acquireLock(state.paths, 'vm', mine)).toEqual(taken);
    expect(await readLock(state.paths, 'vm')).toEqual(taken);
  });

  it('names the holder to everybody else', async () => {
    await using state = await makeStateFolder();
    await acquireLock(state.paths, 'vm', theirs);

    const failure = await acquireLock(state.paths, 'vm', mine).catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(VmBusyError);
    expect(failure).toMatchObject({
      holder: { backupId: theirs.backupId, workflowId: theirs.workflowId },
    });
    expect(await readLock(state.paths, 'vm')).toMatchObject(theirs);
  });

  it('does not take another run for the holder because their ids met', async () => {
    await using state = await makeStateFolder();
    await acquireLock(state.paths, 'vm', mine);

    const taking = acquireLock(state.paths, 'vm', { ...mine, runId: 'run-2' });

    await expect(taking).rejects.toThrow(VmBusyError);
  });

  it('leaves nothing of an attempt that died while it took it', async () => {
    await using state = await makeStateFolder();
    const { folder, lock } = await makeVmFolders(state.paths, 'vm');
    await writeFile(`${lock}.tmp`, '{"backupId":');

    await acquireLock(state.paths, 'vm', mine);

    expect(await readdir(folder)).toEqual(['lock.json']);
  });
});

describe('requireLock', () => {
  it('lets the holder through', async () => {
    await using state = await makeStateFolder();
    await acquireLock(state.paths, 'vm', mine);
    expect(await requireLock(state.paths, 'vm', mine.backupId)).toMatchObject(mine);
  });

  it('stops a backup that does not hold the VM any more', async () => {
    await using state = await makeStateFolder();
    await expect(requireLock(state.paths, 'vm', mine.backupId)).rejects.toThrow(/nobody holds it/);

    await acquireLock(state.paths, 'vm', theirs);

    await expect(requireLock(state.paths, 'vm', mine.backupId)).rejects.toThrow(LockLostError);
  });
});

describe('releaseLock', () => {
  it('gives the VM up, and may run again', async () => {
    await using state = await makeStateFolder();
    await acquireLock(state.paths, 'vm', mine);

    await releaseLock(state.paths, 'vm', mine.backupId);
    await releaseLock(state.paths, 'vm', mine.backupId);

    expect(await readLock(state.paths, 'vm')).toBeUndefined();
  });

  it('leaves the lock of another backup', async () => {
    await using state = await makeStateFolder();
    await acquireLock(state.paths, 'vm', theirs);

    await releaseLock(state.paths, 'vm', mine.backupId);

    expect(await readLock(state.paths, 'vm')).toMatchObject(theirs);
  });
});

describe('readLock', () => {
  it('says what to do about a file that is no lock', async () => {
    await using state = await makeStateFolder();
    const { lock } = await makeVmFolders(state.paths, 'vm');
    await writeFile(lock, '{"backupId": 1}');

    const reading = readLock(state.paths, 'vm');

    await expect(reading).rejects.toThrow(StateError);
    await expect(reading).rejects.toThrow(/remove it when no backup of vm runs/);
  });
});
