import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { QmpClient } from '../../../qemu/qmp/client.ts';

const READY_MS = 30_000;

/** A real QEMU without a guest, with one QMP socket, in a folder of its own that goes with it. */
export class RealQemu implements AsyncDisposable {
  readonly folder: string;
  readonly qmp: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, process: ChildProcess) {
    this.folder = folder;
    this.qmp = join(folder, 'qmp');
    this.#process = process;
  }

  static async start(...args: string[]): Promise<RealQemu> {
    const folder = await mkdtemp(join(tmpdir(), 'sp-'));
    const machine = ['-S', '-nodefaults', '-display', 'none', '-machine', 'q35,accel=tcg'];
    const socket = ['-qmp', `unix:${join(folder, 'qmp')},server=on,wait=off`];
    const child = spawn('qemu-system-x86_64', [...machine, ...socket, ...args], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return new RealQemu(folder, child);
  }

  /** Connects, also to a QEMU that has only just been started. */
  async connect(): Promise<QmpClient> {
    const signal = AbortSignal.timeout(READY_MS);
    for (;;) {
      const client = await QmpClient.connect(this.qmp, signal).catch((error: unknown) => {
        if (signal.aborted || this.#hasEnded) throw error;
      });
      if (client) return client;
      await delay(20);
    }
  }

  get #hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  async kill(): Promise<void> {
    if (this.#hasEnded) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true });
  }
}
