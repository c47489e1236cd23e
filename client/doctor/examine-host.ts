import { access, constants, stat, statfs } from 'node:fs/promises';
import { execa } from 'execa';
import type { VmConfig } from '../../model/vm-config.ts';
import { formatBytes } from '../format-amounts.ts';
import type { Check } from './check.ts';

/** `sun_path` holds 108 bytes, the last of them zero. @see unix(7) */
const maxSocketPathBytes = 107;

/** QEMU's tools, which the worker runs: are they there, and which version? */
export async function examineTools(): Promise<Check[]> {
  const checks: Check[] = [];
  for (const tool of ['qemu-img', 'qemu-io', 'qemu-nbd']) {
    const { stdout, exitCode } = await execa(tool, ['--version'], {
      reject: false,
      timeout: 5_000,
      stdin: 'ignore',
    });
    const version = /(\d+(?:\.\d+)+)/.exec(stdout)?.[1];
    checks.push(
      exitCode === 0 && version !== undefined
        ? { check: tool, state: 'ok', message: `version ${version}` }
        : {
            check: tool,
            state: 'problem',
            message: 'is not there, or does not run',
            advice: 'Install it: on Debian and Ubuntu `apt install qemu-utils`.',
          },
    );
  }
  return checks;
}

/** The state folder: there, private, writable, with room for the scratch, short enough for the sockets in it. */
export async function examineState(state: string, vms: readonly VmConfig[]): Promise<Check[]> {
  const check = 'state';
  const tooLong = vms.filter(({ vm }) => guardSocketBytes(state, vm) > maxSocketPathBytes);
  const lengths: Check[] = tooLong.map(({ vm }) => ({
    vm,
    check,
    state: 'problem',
    message: `${state}: sockets in this folder would have paths of ${guardSocketBytes(state, vm)} bytes, and ${maxSocketPathBytes} is all that the system takes`,
    advice: 'Choose a shorter `state` in the inventory.',
  }));
  return [...lengths, ...(await examineFolder(state, vms))];
}

/** The longest path that the host's worker makes below its state folder. */
export function guardSocketBytes(state: string, vm: string): number {
  return Buffer.byteLength(`${state.replace(/\/+$/, '')}/run/${vm}/guard.sock`);
}

async function examineFolder(folder: string, vms: readonly VmConfig[]): Promise<Check[]> {
  const check = 'state';
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => error);
  if (found instanceof Error)
    return [
      found.code === 'ENOENT'
        ? {
            check,
            state: 'warning',
            message: `${folder} is not there yet`,
            advice: "The host's worker makes it when it starts, if it may.",
          }
        : { check, state: 'problem', message: `${folder}: ${found.message}` },
    ];
  const may = await mayWrite(folder);
  if (!found.isDirectory() || !may)
    return [
      {
        check,
        state: 'problem',
        message: `${folder} ${found.isDirectory() ? 'may not be written by this user' : 'is no folder'}`,
        advice: 'Run doctor as the user who runs the worker, or name another `state`.',
      },
    ];
  const open: Check[] =
    (found.mode & 0o077) === 0
      ? []
      : [
          {
            check,
            state: 'warning',
            message: `${folder} can be entered by others (mode ${(found.mode & 0o777).toString(8)})`,
            advice: `Who reaches its sockets can stop a VM: chmod 700 ${folder}`,
          },
        ];
  return [...open, await examineRoom(folder, vms)];
}

async function examineRoom(folder: string, vms: readonly VmConfig[]): Promise<Check> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const budget = Math.max(0, ...vms.map(({ scratchBytes }) => scratchBytes));
  const message = `${folder}: ${formatBytes(free)} free for the scratch`;
  if (free >= budget) return { check: 'state', state: 'ok', message };
  return {
    check: 'state',
    state: 'warning',
    message: `${message}, less than the budget of one disk (${formatBytes(budget)})`,
    advice:
      'A backup fails when the guest writes more than that during it. Free some, or move `state`.',
  };
}

/** Whether this user may write there: false on a read-only file system too. */
export async function mayWrite(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}
