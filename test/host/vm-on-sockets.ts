import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GuardClient } from '../../host/guard/client.ts';
import type { GuardConfig } from '../../host/guard/config.ts';
import { findGuard } from '../../host/guard/find-guard.ts';
import { startGuard } from '../../host/guard/start.ts';
import { readFreezeRecord, type FoundFreeze } from '../../host/freeze-record.ts';
import { hasStopLease, writeStopLease } from '../../host/stop-lease.ts';
import { connectVm } from '../../host/vm-socket.ts';
import type { QmpClient } from '../../qemu/qmp/client.ts';
import { statePaths, type StatePaths } from '../../host/state-paths.ts';
import { AgentOnSocket } from './agent-on-socket.ts';
import { QemuOnSocket } from './qemu-on-socket.ts';

export const backupId = '20261124T020501Z-3fa9';

/** A VM of which only the sockets are there, and a state folder for it. */
export class VmOnSockets implements AsyncDisposable {
  readonly folder: string;
  readonly qemu: QemuOnSocket;
  readonly agent: AgentOnSocket;
  readonly paths: StatePaths;
  readonly config: GuardConfig;

  private constructor(folder: string, qemu: QemuOnSocket, agent: AgentOnSocket) {
    const stateDir = join(folder, 's');
    this.folder = folder;
    this.qemu = qemu;
    this.agent = agent;
    this.paths = statePaths(stateDir);
    this.config = {
      vm: 'vm',
      backupId,
      qmp: join(folder, 'qmp'),
      agent: join(folder, 'qga'),
      shield: 'fleece',
      maxFreezeSeconds: 60,
      stateDir,
      disks: [],
    };
  }

  static async make(): Promise<VmOnSockets> {
    const folder = await mkdtemp(join(tmpdir(), 'sp-'));
    const qemu = await QemuOnSocket.listen(join(folder, 'qmp'));
    const agent = await AgentOnSocket.listen(join(folder, 'qga'));
    agent.running = () => qemu.running();
    return new VmOnSockets(folder, qemu, agent);
  }

  async startGuard(
    command: readonly string[],
    changes: Partial<GuardConfig> = {},
  ): Promise<GuardClient> {
    await startGuard(command, { ...this.config, ...changes }, AbortSignal.timeout(20_000));
    return this.guard();
  }

  /**
   * Brings it into the middle of an instant: the guest frozen by a guard, the VM stopped through its relay.
   */
  async inTheInstant(
    command: readonly string[],
    changes: Partial<GuardConfig> = {},
  ): Promise<{ guard: GuardClient; qmp: QmpClient }> {
    const guard = await this.startGuard(command, changes);
    await guard.freeze(5_000);
    await guard.arm();
    const qmp = await connectVm(this.paths, 'vm', this.config.qmp, AbortSignal.timeout(20_000));
    await writeStopLease(this.paths, 'vm', backupId);
    await qmp.execute('stop', {});
    return { guard, qmp };
  }

  /** Neither frozen nor paused, and no lease left. */
  async isFree(): Promise<boolean> {
    const stopped = await hasStopLease(this.paths, 'vm');
    return !this.agent.frozen && this.qemu.status === 'running' && !stopped;
  }

  async guardIsGone(): Promise<boolean> {
    return (await this.guardPid()) === undefined;
  }

  async record(): Promise<FoundFreeze | undefined> {
    return readFreezeRecord(this.paths, 'vm');
  }

  async guard(): Promise<GuardClient> {
    return GuardClient.connect(this.paths, 'vm', AbortSignal.timeout(5_000));
  }

  async guardPid(): Promise<number | undefined> {
    return findGuard(this.paths, 'vm');
  }

  async guardLog(): Promise<string> {
    return readFile(this.paths.vm('vm').guardLog, 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pid = await this.guardPid();
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await this.agent[Symbol.asyncDispose]();
    await this.qemu[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
