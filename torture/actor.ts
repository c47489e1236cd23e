import { queryAbilities } from '../capture/abilities.ts';
import type { Machine } from '../lab/machine.ts';
import type { Shield } from '../model/choices.ts';
import { Disk } from './disk.ts';
import { addForeignBitmap } from './foreign-bitmaps.ts';
import { GuestIo } from './guest-io.ts';
import { Instants } from './instants.ts';
import { Miss } from './miss.ts';
import { startMachine } from './start-machine.ts';
import type { DiskMake, Write } from './story.ts';
import type { Tap } from './tap.ts';

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
  readonly #guest: GuestIo;
  #ended: 'quit' | 'killed' | undefined;

  private constructor(machine: Machine, where: { tap: Tap; name: string; place: number }) {
    this.machine = machine;
    this.tap = where.tap;
    this.name = where.name;
    this.place = where.place;
    this.instants = new Instants(machine, () => this.plugged);
    this.#guest = new GuestIo(machine);
    this.disks = machine.disks.map(
      ({ path, format, virtualBytes }, index) =>
        new Disk({ index, path, format, bytes: virtualBytes }),
    );
  }

  static async start(
    makes: readonly DiskMake[],
    where: { tap: Tap; name: string; place: number },
  ): Promise<Actor> {
    const actor = new Actor(await startMachine(makes), where);
    try {
      await actor.#enter();
      for (const disk of actor.disks) await addForeignBitmap(actor.machine.labQmp, disk);
      return actor;
    } catch (error) {
      await actor[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Whether QEMU's monitor goes on while a write of the guest has to wait. */
  get goesOnAside(): boolean {
    return this.#guest.goesOnAside;
  }

  get #runs(): boolean {
    return this.machine.alive && !this.#ended;
  }

  get plugged(): Disk[] {
    return this.disks.filter(({ qdev }) => qdev !== undefined);
  }

  /** Writes as the guest would, unless an instant is being taken. Throws when QEMU fails it; nothing when QEMU ends. */
  async write(write: Write): Promise<void> {
    await this.instants.gate.through(async () => {
      const disk = this.plugged[write.disk % Math.max(1, this.plugged.length)];
      if (!disk || !this.#runs) return;
      try {
        await this.#guest.write(disk, write, this.shield === 'none');
      } catch (error) {
        if (!this.#runs) return;
        await this.#guest.resync(disk);
        throw error;
      }
    });
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
    const { keepsBitmaps } = await queryAbilities(this.machine.labQmp);
    for (const disk of this.disks) {
      if (this.#ended === 'killed' || disk.format === 'raw' || !keepsBitmaps) disk.tracked = false;
      disk.qdev = undefined;
    }
    this.#guest.renew();
    // What a power cut leaves of it is not ours to say.
    const forgets = this.#ended === 'killed' || !keepsBitmaps;
    this.#ended = undefined;
    await this.#enter();
    if (forgets) for (const disk of this.disks) disk.foreign = undefined;
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.instants.watch = undefined;
    this.tap.onlooker = undefined;
    this.tap.shut();
    await this.machine[Symbol.asyncDispose]();
  }
}
