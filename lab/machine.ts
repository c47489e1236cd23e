import type { QmpClient } from '../qemu/qmp/client.ts';
import { DeviceIo } from './device-io.ts';
import { StartError } from './errors.ts';
import type { GuestShell } from './guest-shell.ts';
import type { MachineDisk } from './machine-disk.ts';
import { socketsIn } from './machine-options.ts';
import { runMachine, type Blueprint, type Running } from './run-machine.ts';

/** A real QEMU, with a booted guest or none. Made by `startQemu`; its end takes its folder away. */
export class Machine implements AsyncDisposable {
  readonly #blueprint: Blueprint;
  #running: Running;

  private constructor(blueprint: Blueprint, running: Running) {
    this.#blueprint = blueprint;
    this.#running = running;
  }

  static async start(blueprint: Blueprint): Promise<Machine> {
    return new Machine(blueprint, await runMachine(blueprint));
  }

  get folder(): string {
    return this.#blueprint.temp.path;
  }

  /** The QMP socket for the product. The lab never connects to it. */
  get qmpSocket(): string {
    return socketsIn(this.folder).qmp;
  }

  /** The guest agent's socket for the product, where there is a guest. */
  get agentSocket(): string | undefined {
    return this.#blueprint.guest && socketsIn(this.folder).agent;
  }

  get disks(): readonly MachineDisk[] {
    return this.#blueprint.disks;
  }

  get pid(): number {
    return this.#running.process.pid;
  }

  /** Whether QEMU runs. */
  get alive(): boolean {
    return this.#running.process.alive;
  }

  /** The lab's own monitor. A new one after `restart`. */
  get labQmp(): QmpClient {
    return this.#running.qmp;
  }

  /** Commands in the guest. A new one after `restart`. */
  get guest(): GuestShell {
    const { shell } = this.#running;
    if (!shell) throw new StartError('this machine has no guest');
    return shell;
  }

  /** The disk at `index`; machines have one at least. */
  disk(index = 0): MachineDisk {
    const disk = this.disks[index];
    if (!disk) throw new StartError(`this machine has no disk ${index}`);
    return disk;
  }

  /** As `query-block` names the device of a disk: what HMP's `-d` and, less its backend, `qom-set` take. */
  qdev(disk: MachineDisk): string {
    const qdev = this.#running.devices.get(disk.path);
    if (qdev === undefined) throw new StartError(`${disk.path}: no device has it`);
    return qdev;
  }

  /** Reads and writes as the guest device of a disk would. */
  device(disk: MachineDisk): DeviceIo {
    return new DeviceIo(this.#running.io, this.qdev(disk));
  }

  /** Kills QEMU, as a power cut would, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#running.process.kill();
    this.#hangUp();
  }

  /** Lets QEMU end by itself, so that it writes its bitmaps. A QEMU that does not within 30 s is killed: `StartError`. */
  async quit(): Promise<void> {
    const { process, qmp } = this.#running;
    // The answer may not come before the end.
    await qmp.execute('quit', {}).catch(() => undefined);
    let killed = false;
    const timer = setTimeout(() => {
      killed = true;
      process.signal('SIGKILL');
    }, 30_000);
    await process.exited().finally(() => clearTimeout(timer));
    this.#hangUp();
    if (killed) throw new StartError(`QEMU ${process.pid} did not end within 30 s of quit`);
  }

  /** Starts QEMU again with the same disks, in the same folder, after `kill` or `quit`; kills it first if it runs. */
  async restart(): Promise<void> {
    await this.kill();
    this.#running = await runMachine(this.#blueprint);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#blueprint.temp[Symbol.asyncDispose]();
  }

  #hangUp(): void {
    this.#running.qmp.close();
    this.#running.shell?.close();
  }
}
