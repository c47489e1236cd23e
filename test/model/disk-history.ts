import { decideDisk, type DiskDecision, type PublishedBackup } from '../../model/decide.ts';
import type { RequestedKind } from '../../model/choices.ts';
import { segmentName } from '../../model/names.ts';
import { droppable, segmentsOf, tidyingOf, type SeenBitmap } from '../../model/segments.ts';

const device = 'vd0';

type Bitmap = {
  readonly name: string;
  readonly persistent: boolean;
  readonly blocks: Set<number>;
  recording: boolean;
  inconsistent: boolean;
  /** Whether the image holds it, too. */
  saved: boolean;
};
type File = {
  readonly decision: DiskDecision;
  readonly virtualBytes: number;
  readonly blocks: ReadonlyMap<number, number>;
};
/** A backup whose instant is taken, and what the disk held then. */
export type Taken = {
  readonly backupId: string;
  readonly disk: readonly number[];
  readonly file: File;
};

/**
 * One disk in the hands of a QEMU, and the backups of it. A block is a byte large, and holds the count of the write
 * that it saw last; bitmaps are sets of blocks. It does what QEMU would, and asks the model what to do.
 */
export class DiskHistory {
  readonly keepsBitmaps: boolean;
  bitmaps: Bitmap[] = [];
  readonly published = new Map<string, File>();
  /** The published backups that do not restore to what the disk held at their instant. */
  readonly wrong: string[] = [];
  #disk = Array<number>(12).fill(0);
  #writes = 0;
  #backups = 0;

  constructor(options: { keepsBitmaps: boolean }) {
    this.keepsBitmaps = options.keepsBitmaps;
  }

  write(block: number): void {
    this.#disk[block % this.#disk.length] = ++this.#writes;
    for (const bitmap of this.bitmaps)
      if (bitmap.recording) bitmap.blocks.add(block % this.#disk.length);
  }

  grow(): void {
    this.#disk.push(0);
  }

  /** The guest's machine is switched off and on: what an image keeps is written to it. */
  restart(): void {
    this.bitmaps = this.bitmaps.filter(({ persistent }) => persistent);
    for (const bitmap of this.bitmaps) bitmap.saved = true;
  }

  /** QEMU is killed: what was written to the image before is found in use, the rest is gone. */
  kill(): void {
    this.bitmaps = this.bitmaps.filter(({ saved }) => saved);
    for (const bitmap of this.bitmaps)
      Object.assign(bitmap, { inconsistent: true, recording: false });
  }

  /** Somebody takes an external snapshot: the device goes on with a node that has no bitmaps. */
  putOverlay(): void {
    this.bitmaps = [];
  }

  /**
   * Somebody removes a bitmap. Where a death has left two that record, the removal of the newer one cannot be seen, so
   * it is not among the promises.
   */
  lose(position: number): void {
    if (this.bitmaps.filter(({ recording }) => recording).length > 1) return;
    this.bitmaps = this.bitmaps.filter((_, at) => at !== position % this.bitmaps.length);
  }

  decide(kind: RequestedKind, since?: string): DiskDecision {
    const published = [...this.published].map(([backupId, { decision, virtualBytes }]) => ({
      backupId,
      disks: [{ device, virtualBytes, kind: decision.kind }],
    })) satisfies PublishedBackup[];
    const facts = { device, virtualBytes: this.#disk.length, bitmaps: this.#seen() };
    return decideDisk(facts, published, kind, since);
  }

  /** The instant, and the copy of what the disk held at it. */
  take(kind: RequestedKind, since?: string): Taken {
    const backupId = `20261124T${String(this.#backups++).padStart(6, '0')}Z-0001`;
    const decision = this.decide(kind, since);
    const copied =
      decision.kind === 'full'
        ? this.#disk.keys()
        : decision.merge.flatMap((name) => [...this.#bitmap(name).blocks]);
    for (const { name, recording } of segmentsOf(this.#seen()))
      if (recording) this.#bitmap(name).recording = false;
    this.bitmaps.push({
      name: segmentName(device, backupId, decision.previous),
      recording: true,
      persistent: this.keepsBitmaps,
      inconsistent: false,
      saved: false,
      blocks: new Set(),
    });
    const blocks = new Map([...copied].map((block) => [block, this.#disk[block] ?? 0]));
    return {
      backupId,
      disk: [...this.#disk],
      file: { decision, virtualBytes: this.#disk.length, blocks },
    };
  }

  publish({ backupId, disk, file }: Taken, keep: number): void {
    this.published.set(backupId, file);
    if (this.#restored(file).some((block, at) => block !== disk[at])) this.wrong.push(backupId);
    for (const name of droppable({ device, bitmaps: this.#seen() }, this.#isPublished, keep))
      this.#remove(name);
  }

  /** Deletes a published backup, if no other builds upon it. */
  prune(position: number): void {
    const ids = [...this.published.keys()];
    const backupId = ids[position % ids.length] ?? '';
    const parents = [...this.published.values()].map(({ decision }) => decision.parent);
    if (!parents.includes(backupId)) this.published.delete(backupId);
  }

  /** Tidies up, and dies after so many commands. */
  tidy(commands = Infinity): void {
    const plain = tidyingOf({ device, bitmaps: this.#seen() }, this.#isPublished).flatMap(
      (step) => {
        if (step.do === 'remove') return [() => this.#remove(step.bitmap)];
        return [
          () => void (this.#bitmap(step.into).recording = true),
          () => this.#merge(step.newest, step.into),
          () => this.#remove(step.newest),
        ];
      },
    );
    for (const command of plain.slice(0, commands)) command();
  }

  /** What a backup restores to. */
  #restored({ decision, virtualBytes, blocks }: File): number[] {
    const parent = decision.parent === null ? undefined : this.published.get(decision.parent);
    if (decision.parent !== null && !parent) throw new Error(`${decision.parent} is not published`);
    const below = parent ? this.#restored(parent) : [];
    return Array.from(
      { length: virtualBytes },
      (_, block) => blocks.get(block) ?? below[block] ?? 0,
    );
  }

  readonly #isPublished = (backupId: string): boolean => this.published.has(backupId);

  #seen(): SeenBitmap[] {
    return this.bitmaps.map((bitmap) => ({ ...bitmap, dirtyBytes: bitmap.blocks.size }));
  }

  /** QEMU answers an error to a command on a bitmap that it does not have, and one that is inconsistent. */
  #bitmap(name: string): Bitmap {
    const bitmap = this.bitmaps.find((one) => one.name === name);
    if (!bitmap || bitmap.inconsistent) throw new Error(`${name}: not there, or inconsistent`);
    return bitmap;
  }

  #merge(from: string, into: string): void {
    for (const block of this.#bitmap(from).blocks) this.#bitmap(into).blocks.add(block);
  }

  #remove(name: string): void {
    if (!this.bitmaps.some((one) => one.name === name)) throw new Error(`${name}: not there`);
    this.bitmaps = this.bitmaps.filter((one) => one.name !== name);
  }
}
