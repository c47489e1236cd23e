import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { StartError } from './errors.ts';

/** util-linux; every Debian has it. */
const SETPRIV = '/usr/bin/setpriv';

/**
 * A program that the lab runs beside a test. It has a session of its own, so that Ctrl-C reaches the test and not the
 * machines under it, and it is killed by the kernel should this process die without ending it.
 */
export class LabProcess {
  readonly log: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  private constructor(child: ChildProcess, log: string) {
    this.#child = child;
    this.log = log;
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
  }

  /**
   * Starts `command`, with stdout and stderr to the file `log`. With `outlive` it goes on when this process ends. `env`
   * is added to this process's environment.
   */
  static async start(
    command: readonly string[],
    options: {
      log: string;
      outlive?: boolean | undefined;
      env?: Readonly<Record<string, string>> | undefined;
    },
  ): Promise<LabProcess> {
    const { log, outlive = false, env = {} } = options;
    const mortal = !outlive && existsSync(SETPRIV);
    const [program = '', ...args] = mortal
      ? [SETPRIV, '--pdeathsig', 'KILL', '--', ...command]
      : command;
    await using file = await open(log, 'a');
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', file.fd, file.fd],
      env: { ...process.env, ...env },
    });
    child.unref();
    return new LabProcess(child, log);
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new StartError(`${this.#child.spawnfile}: could not be started`);
    return pid;
  }

  get alive(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  /** Resolves when the program is gone. */
  async exited(): Promise<void> {
    this.#child.ref();
    await this.#exited;
  }

  /** Sends a signal, SIGKILL unless another is named, and does not wait. Nothing happens when the program is gone. */
  signal(signal: NodeJS.Signals = 'SIGKILL'): void {
    if (this.alive) this.#child.kill(signal);
  }

  /** Kills the program and waits until it is gone. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited();
  }

  /** Kills the program with all that is in its process group, as a service manager does, and waits until it is gone. */
  async killGroup(): Promise<void> {
    if (this.alive) process.kill(-this.pid, 'SIGKILL');
    await this.exited();
  }

  /** Asks the program to end, kills it after `graceMs`, and waits until it is gone. */
  async end(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    this.signal('SIGTERM');
    await this.exited().finally(() => clearTimeout(timer));
  }

  /** Repeats `attempt` until it does not throw. `StartError` when the program ends or `timeoutMs` pass first. */
  async ready<T>(
    what: string,
    timeoutMs: number,
    attempt: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const deadline = AbortSignal.timeout(timeoutMs);
    for (;;) {
      try {
        return await attempt(deadline);
      } catch (cause) {
        if (this.alive && !deadline.aborted) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          continue;
        }
        const why = this.alive ? `not ready within ${timeoutMs} ms` : 'ended before it was ready';
        throw new StartError(`${what}: ${why}: ${await this.#endOfLog()}`, { cause });
      }
    }
  }

  async #endOfLog(): Promise<string> {
    const text = await readFile(this.log, 'utf8').catch(() => '');
    return text.trim().slice(-1500) || 'it said nothing';
  }
}
