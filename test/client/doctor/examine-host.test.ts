import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { examineState, guardSocketBytes } from '../../../client/doctor/examine-host.ts';
import { statePaths } from '../../../host/state-paths.ts';
import { Inventory } from '../../../model/inventory.ts';
import { vmConfig, type VmConfig } from '../../../model/vm-config.ts';

/** A VM with a scratch of this size. */
function vm(name: string, scratchBytes: number | string = 1024): VmConfig {
  const vms = { [name]: { qmp: '/q', scratchBytes } };
  const config = vmConfig(Inventory.parse({ repository: '/r', vms }), name, hostname());
  if (!config) throw new Error('no such VM');
  return config;
}

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-state-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('examineState', () => {
  it('finds nothing wrong with a private folder that has room', async () => {
    const checks = await examineState(folder, [vm('web1')]);

    expect(checks.map(({ state }) => state)).toEqual(['ok']);
  });

  it('warns of a folder that others can enter', async () => {
    await chmod(folder, 0o755);

    const checks = await examineState(folder, [vm('web1')]);

    expect(checks[0]).toMatchObject({ state: 'warning', advice: expect.stringContaining('chmod') });
  });

  it('warns of a scratch budget that the file system cannot hold', async () => {
    const checks = await examineState(folder, [vm('web1', '8000TiB')]);

    expect(checks).toMatchObject([
      { state: 'warning', message: expect.stringContaining('less than the budget of one disk') },
    ]);
  });

  it('warns of a folder that is not there yet', async () => {
    const checks = await examineState(join(folder, 'none'), [vm('web1')]);

    expect(checks).toMatchObject([{ state: 'warning' }]);
  });

  it('finds a path too long for sockets exactly when the worker would refuse it', async () => {
    const name = 'web1';
    const fits = `/${'s'.repeat(107 - 1 - '/run/web1/guard.sock'.length)}`;

    expect(guardSocketBytes(fits, name)).toBe(107);
    expect(() => statePaths(fits).vm(name)).not.toThrow();
    expect(() => statePaths(`${fits}s`).vm(name)).toThrow('too long');
    expect(await examineState(`${fits}s`, [vm(name)])).toMatchObject([
      { vm: name, state: 'problem', message: expect.stringContaining('108 bytes') },
      { state: 'warning' },
    ]);
  });
});
