import { join } from 'node:path';
import { GuardClient } from '../../../host/guard/client.ts';
import type { GuardConfig } from '../../../host/guard/config.ts';
import { findGuard } from '../../../host/guard/find-guard.ts';
import { startGuard } from '../../../host/guard/start.ts';
import { statePaths, type StatePaths } from '../../../host/state-paths.ts';
import { hasStopLease } from '../../../host/stop-lease.ts';
import type { Machine } from '../../../lab/machine.ts';
import { makeTempFolder } from '../../../lab/temp-folder.ts';

export const backupId = '20261124T020501Z-3fa9';

/** A real machine and a state folder for it. The machine is its maker's to end. */
export class GuardedMachine implements AsyncDisposable {
  readonly machine: Machine;
  readonly paths: StatePaths;
  readonly config: GuardConfig;
  readonly #dispose: () => Promise<void>;

  private constructor(machine: Machine, folder: string, dispose: () => Promise<void>) {
    const stateDir = join(folder, 's');
    this.machine = machine;
    this.paths = statePaths(stateDir);
    this.config = {
      vm: 'vm',
      backupId,
      qmp: machine.qmpSocket,
      ...(machine.agentSocket === undefined ? {} : { agent: machine.agentSocket }),
      shield: 'fleece',
      maxFreezeSeconds: 60,
      stateDir,
      disks: machine.disks.map(({ virtualBytes }, index) => ({ index, virtualBytes })),
    };
    this.#dispose = dispose;
  }

  static async make(machine: Machine): Promise<GuardedMachine> {
    const temp = await makeTempFolder();
    return new GuardedMachine(machine, temp.path, async () => temp[Symbol.asyncDispose]());
  }

  async startGuard(
    command: readonly string[],
    changes: Partial<GuardConfig> = {},
  ): Promise<GuardClient> {
    await startGuard(command, { ...this.config, ...changes }, AbortSignal.timeout(20_000));
    return this.guard();
  }

  async guard(): Promise<GuardClient> {
    return GuardClient.connect(this.paths, 'vm', AbortSignal.timeout(5_000));
  }

  async guardPid(): Promise<number | undefined> {
    return findGuard(this.paths, 'vm');
  }

  async guardIsGone(): Promise<boolean> {
    return (await this.guardPid()) === undefined;
  }

  async runs(): Promise<boolean> {
    return (await this.machine.labQmp.execute('query-status', {})).running;
  }

  /** The VM runs, and nobody owes it a `cont` any more. */
  async isContinued(): Promise<boolean> {
    return (await this.runs()) && !(await hasStopLease(this.paths, 'vm'));
  }

  /** A write to the guest's file system comes to its end. */
  async canWrite(timeoutMs = 30_000): Promise<boolean> {
    await this.machine.guest.run('date >/mnt/sp-vd0/probe', { timeoutMs });
    return true;
  }

  /** A process in the guest waits for its disk. */
  async aWriteWaits(): Promise<boolean> {
    const waiting = "grep -ls '^State:.D' /proc/[0-9]*/status || true";
    return (await this.machine.guest.run(waiting)) !== '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pid = await this.guardPid();
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await this.#dispose();
  }
}
