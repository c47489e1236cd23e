import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { attachments, type Attachment } from '../lab/attachments.ts';
import { DeviceIo } from '../lab/device-io.ts';
import { makeDiskImage } from '../lab/disk-image.ts';
import type { Machine } from '../lab/machine.ts';
import { QemuIo } from '../lab/qemu-io.ts';
import { startQemu } from '../lab/start-qemu.ts';
import type { Shield } from '../model/choices.ts';
import { Disk, ForeignBitmap, sizeOf } from './disk.ts';
import { MiB } from './disk-model.ts';
import { Instants } from './instants.ts';
import { Miss } from './miss.ts';
import type { DiskMake, Write } from './story.ts';
import type { Tap } from './tap.ts';

/** Its controller takes the disks that are plugged in later. */
const first: Attachment | undefined = attachments.find(
  ({ device, style, named, iothread }) =>
    device === 'virtio-scsi' && style === 'blockdev' && named && !iothread,
);
/** The place of the disk that comes and goes. */
const pluggable = 3;
const largestBytes = 48 * MiB;

/** A VM of a story: a QEMU without a guest that runs, and that nobody but the story writes to. */
export class Actor implements AsyncDisposable {
  readonly name: string;
  readonly place: number;
  readonly machine: Machine;
  readonly tap: Tap;
  readonly instants: Instants;
  readonly disks: Disk[];
  /** A run was terminated, and what it left may still be in the VM. */
  unclean = false;
  /** That of the backup that runs, or was the last to. */
  shield: Shield = 'fleece';
  #io: QemuIo;
  #ended: 'quit' | 'killed' | undefined;
  #byte = 0;

  private constructor(machine: Machine, where: { tap: Tap; name: string; place: number }) {
    this.machine = machine;
    this.tap = where.tap;
    this.name = where.name;
    this.place = where.place;
    this.instants = new Instants(machine, () => this.plugged);
    this.#io = this.#newIo();
    this.disks = machine.disks.map(
      ({ path, format, virtualBytes }, index) =>
        new Disk({ index, path, format, bytes: virtualBytes }),
    );
  }

  static async start(
    makes: readonly DiskMake[],
    where: { tap: Tap; name: string; place: number },
  ): Promise<Actor> {
    const disks = makes.map(({ attachment, format, size }, index) => {
      const chosen = index === 0 ? first : attachments[attachment % attachments.length];
      const virtualBytes = sizeOf(index, size);
      return {
        format,
        virtualBytes,
        content: 'empty' as const,
        ...(chosen && { attachment: chosen }),
      };
    });
    const actor = new Actor(await startQemu({ disks }), where);
    try {
      await actor.#enter();
      for (const disk of actor.disks) await actor.#addForeignBitmap(disk);
      return actor;
    } catch (error) {
      await actor[Symbol.asyncDispose]();
      throw error;
    }
  }

  get plugged(): Disk[] {
    return this.disks.filter(({ qdev }) => qdev !== undefined);
  }

  /** Writes as the guest would, unless an instant is being taken. Throws when QEMU fails it; nothing when QEMU ends. */
  async write(write: Write): Promise<void> {
    await this.instants.gate.through(async () => {
      const disk = this.plugged[write.disk % Math.max(1, this.plugged.length)];
      if (!disk || !this.machine.alive || this.#ended) return;
      this.#byte = (this.#byte % 255) + 1;
      try {
        await disk.perform(
          new DeviceIo(this.#io, disk.qdev ?? ''),
          write,
          this.#byte,
          this.shield === 'none',
        );
      } catch (error) {
        if (this.#ended || !this.machine.alive) return;
        // In part, perhaps: what is there counts.
        await this.#resync(disk);
        throw error;
      }
    });
  }

  async grow(at: number): Promise<void> {
    const disk = this.plugged[at % Math.max(1, this.plugged.length)];
    if (!disk || this.unclean || disk.model.bytes >= largestBytes) return;
    const size = disk.model.bytes + 4 * MiB;
    await this.machine.labQmp.execute('block_resize', {
      'node-name': await this.#nodeOf(disk),
      size,
    });
    disk.model.grow(size);
    disk.tracked = false;
  }

  /** Plugs one more disk in, or takes it out; it keeps what it holds, and its bitmaps. */
  async plugOrUnplug(): Promise<void> {
    const disk =
      this.disks.find(({ index }) => index === pluggable) ?? (await this.#makePluggable());
    const { labQmp } = this.machine;
    const [node, id] = [`vd${pluggable}-node`, `vd${pluggable}`];
    if (disk.qdev === undefined) {
      const file = { driver: 'file', filename: disk.path } as const;
      await labQmp.execute('blockdev-add', {
        driver: 'qcow2',
        'node-name': node,
        discard: 'unmap',
        file,
      });
      await labQmp.execute('device_add', { driver: 'scsi-hd', id, bus: 'vd0-scsi.0', drive: node });
      disk.qdev = id;
      if (disk.model.bytes > 0 && !disk.foreign) await this.#addForeignBitmap(disk);
    } else if (!this.unclean) {
      await labQmp.execute('device_del', { id });
      while ((await labQmp.execute('query-block', {})).some(({ qdev }) => qdev === id))
        await delay(5);
      await labQmp.execute('blockdev-del', { 'node-name': node });
      disk.qdev = undefined;
    }
  }

  /** Ends QEMU, as its operator does or as a power cut. Whoever connects is refused from then on. */
  async end(how: 'quit' | 'kill'): Promise<void> {
    if (this.#ended) return;
    this.#ended = how === 'quit' ? 'quit' : 'killed';
    this.tap.shut();
    if (how === 'kill') return this.machine.kill();
    const leave = this.instants.standsStill ? undefined : await this.instants.gate.enter();
    // One that has to be killed after all tells so.
    await this.machine.quit().catch(() => void (this.#ended = 'killed'));
    leave?.();
  }

  /** Starts QEMU again when it was ended. One that ended by itself is a miss. */
  async revive(): Promise<void> {
    if (this.machine.alive && !this.#ended) return;
    if (!this.#ended) throw new Miss(`${this.name}: QEMU has died`);
    await this.checkImages();
    await this.machine.restart();
    for (const disk of this.disks) {
      if (this.#ended === 'killed' || disk.format === 'raw') disk.tracked = false;
      disk.qdev = undefined;
    }
    this.#io = this.#newIo();
    const killed = this.#ended === 'killed';
    this.#ended = undefined;
    await this.#enter();
    // What a power cut leaves of it is not ours to say.
    if (killed) for (const disk of this.disks) disk.foreign = undefined;
  }

  /** With QEMU gone: each image must hold what was written, but that after a power cut it is the other way round. */
  async checkImages(): Promise<void> {
    for (const disk of this.disks) {
      const content = await disk.imageContent(this.machine.folder);
      if (this.#ended === 'killed') disk.model.assume(content);
      else if (!Buffer.from(content).equals(disk.model.content()))
        throw new Miss(`${this.name}: its own disk ${disk.index} does not hold what was written`);
    }
  }

  async #enter(): Promise<void> {
    for (const disk of this.machine.disks)
      for (const own of this.disks) if (own.path === disk.path) own.qdev = this.machine.qdev(disk);
    await this.machine.labQmp.execute('cont', {});
    this.tap.onlooker = this.instants;
    await this.tap.open(this.machine.qmpSocket);
  }

  async #makePluggable(): Promise<Disk> {
    const path = join(this.machine.folder, `vd${pluggable}.qcow2`);
    const bytes = sizeOf(pluggable, 2);
    await makeDiskImage({ path, format: 'qcow2', virtualBytes: bytes });
    const disk = new Disk({ index: pluggable, path, format: 'qcow2', bytes });
    this.disks.push(disk);
    return disk;
  }

  /** One that is somebody else's: it must stay as it is. */
  async #addForeignBitmap(disk: Disk): Promise<void> {
    if (disk.format !== 'qcow2') return;
    await this.machine.labQmp.execute('block-dirty-bitmap-add', {
      node: await this.#nodeOf(disk),
      name: foreignName(disk),
      granularity: 65_536,
      persistent: true,
    });
    disk.foreign = new ForeignBitmap();
  }

  async #nodeOf({ qdev }: Disk): Promise<string> {
    const blocks = await this.machine.labQmp.execute('query-block', {});
    return blocks.find((block) => block.qdev === qdev)?.inserted?.['node-name'] ?? '';
  }

  async #resync(disk: Disk): Promise<void> {
    await new DeviceIo(this.#io, disk.qdev ?? '').flush();
    disk.model.assume(await disk.imageContent(this.machine.folder));
  }

  #newIo(): QemuIo {
    return new QemuIo(this.machine.labQmp, join(this.machine.folder, 'qemu.log'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.instants.watch = undefined;
    this.tap.onlooker = undefined;
    this.tap.shut();
    await this.machine[Symbol.asyncDispose]();
  }
}

export function foreignName({ index }: Disk): string {
  return `foreign-${index}`;
}
