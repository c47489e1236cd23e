import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { MutexTimeoutError } from '../../host/errors.ts';
import { withVmMutex } from '../../host/mutex.ts';
import { statePaths } from '../../host/state-paths.ts';
import { build } from './built.ts';
import { makeStateFolder } from './state-folder.ts';

const patient = { signal: new AbortController().signal, timeoutMs: 20_000 };
const impatient = { ...patient, timeoutMs: 0 };

describe('withVmMutex', () => {
  it('lets one in at a time, and all in their turn', async () => {
    await using state = await makeStateFolder();
    let inside = 0;
    let most = 0;

    const turns = Array.from({ length: 5 }, (_, turn) =>
      withVmMutex(state.paths, 'vm', patient, async () => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => void setImmediate(resolve));
        inside--;
        return turn;
      }),
    );

    expect(await Promise.all(turns)).toEqual([0, 1, 2, 3, 4]);
    expect(most).toBe(1);
  });

  it('does not keep other VMs and other state folders waiting', async () => {
    await using state = await makeStateFolder();
    await using other = await makeStateFolder();

    const inside = await withVmMutex(state.paths, 'vm', impatient, () =>
      withVmMutex(state.paths, 'vm2', impatient, () =>
        withVmMutex(other.paths, 'vm', impatient, async () => 'inside'),
      ),
    );

    expect(inside).toBe('inside');
  });

  it('knows the same state folder by another path', async () => {
    await using state = await makeStateFolder();
    const link = `${state.paths.root}/link`;
    await symlink(state.paths.root, link);

    await withVmMutex(state.paths, 'vm', impatient, async () => {
      const second = withVmMutex(statePaths(link), 'vm', impatient, async () => {});
      await expect(second).rejects.toThrow(MutexTimeoutError);
    });
  });

  it('is free again after a failure', async () => {
    await using state = await makeStateFolder();
    const failing = withVmMutex(state.paths, 'vm', impatient, async () => {
      throw new Error('broken');
    });
    await expect(failing).rejects.toThrow('broken');

    expect(await withVmMutex(state.paths, 'vm', impatient, async () => 'in')).toBe('in');
  });

  it('ends its wait when the signal aborts', async () => {
    await using state = await makeStateFolder();
    const abort = new AbortController();

    await withVmMutex(state.paths, 'vm', impatient, async () => {
      const waiting = withVmMutex(
        state.paths,
        'vm',
        { ...patient, signal: abort.signal },
        async () => {},
      );
      abort.abort(new Error('cancelled'));
      await expect(waiting).rejects.toThrow('cancelled');
    });
  });

  it('keeps others out as long as its process lives, and is free when that is killed', async () => {
    await using state = await makeStateFolder();
    await using built = await build('test/host/mutex-holder.ts');
    const holder = spawn(
      process.execPath,
      [built.module('test/host/mutex-holder.ts'), state.paths.root],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(holder.stdout, 'data');
    const out = withVmMutex(state.paths, 'vm', impatient, async () => 'in');
    await expect(out).rejects.toThrow(MutexTimeoutError);

    holder.kill('SIGKILL');

    expect(await withVmMutex(state.paths, 'vm', patient, async () => 'in')).toBe('in');
  });
});
