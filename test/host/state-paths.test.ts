import { chmod, mkdir, stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { StateError } from '../../host/errors.ts';
import { makeVmFolders, statePaths } from '../../host/state-paths.ts';
import { makeStateFolder } from './state-folder.ts';

describe('statePaths', () => {
  it('has room for the longest name of a VM in the usual folder', () => {
    const of = statePaths('/var/lib/stillpoint').vm('a'.repeat(63));
    expect(of.guardSocket.length).toBeLessThanOrEqual(107);
  });

  it('accepts 107 bytes of a socket’s path and refuses 108', () => {
    const socket = '/run/vm/guard.sock';
    const longest = `/${'x'.repeat(107 - socket.length - 1)}`;

    expect(statePaths(longest).vm('vm').guardSocket).toHaveLength(107);
    expect(() => statePaths(`${longest}x`).vm('vm')).toThrow(StateError);
    expect(() => statePaths(`${longest}x`).vm('vm')).toThrow(/1 bytes too long/);
  });

  it('counts bytes, not characters', () => {
    expect(() => statePaths(`/${'ü'.repeat(60)}`).vm('vm')).toThrow(StateError);
  });

  it('has no socket with a longer path than the guard’s', () => {
    const of = statePaths('/s').vm('vm');
    const sockets = [of.relaySocket, of.probeSocket, of.targetSocket(99)];
    for (const socket of sockets) expect(socket.length).toBeLessThanOrEqual(of.guardSocket.length);
  });

  for (const name of ['../etc', '', 'a/b', '.', 'a..b']) {
    it(`refuses ${JSON.stringify(name)} as a VM’s name`, () => {
      expect(() => statePaths('/s').vm(name)).toThrow(StateError);
    });
  }
});

describe('makeVmFolders', () => {
  it('makes folders for their owner alone, also when they were open before', async () => {
    await using state = await makeStateFolder();
    const of = state.paths.vm('vm');
    await mkdir(of.run, { recursive: true });
    await chmod(of.run, 0o755);

    await makeVmFolders(state.paths, 'vm');

    for (const folder of [of.folder, of.run, of.scratch])
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });
});
