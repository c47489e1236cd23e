import { join } from 'node:path';
import { DeviceIo } from '../lab/device-io.ts';
import type { Machine } from '../lab/machine.ts';
import { QemuIo } from '../lab/qemu-io.ts';
import type { Disk } from './disk.ts';
import type { Write } from './story.ts';

/** Writes to the disks of a VM as its guest would, each time another byte. */
export class GuestIo {
  readonly #machine: Machine;
  #io: QemuIo;
  #byte = 0;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#io = this.#newIo();
  }

  /** Whether the monitor goes on while a write has to wait. */
  get goesOnAside(): boolean {
    return this.#io.goesOnAside;
  }

  /** To be called when QEMU was started again. */
  renew(): void {
    this.#io = this.#newIo();
  }

  /** Throws when QEMU fails it. One that may have to wait goes beside the monitor. */
  async write(disk: Disk, write: Write, mayWait: boolean): Promise<void> {
    this.#byte = (this.#byte % 255) + 1;
    await disk.perform(this.#deviceOf(disk), write, this.#byte, mayWait);
  }

  /** After a write that failed in part, perhaps: what is there counts. */
  async resync(disk: Disk): Promise<void> {
    await this.#deviceOf(disk).flush();
    disk.model.assume(await disk.imageContent(this.#machine.folder));
  }

  #deviceOf({ qdev }: Disk): DeviceIo {
    return new DeviceIo(this.#io, qdev ?? '');
  }

  #newIo(): QemuIo {
    return new QemuIo(this.#machine.labQmp, join(this.#machine.folder, 'qemu.log'));
  }
}
