import type { Args } from '../../qemu/qmp/commands.ts';
import type { SeenBitmap } from '../../model/segments.ts';
import { Death, Refusal } from './answering-qemu.ts';

type Action = Args<'transaction'>['actions'][number];
type Bitmap = SeenBitmap & { readonly granularity: number };

const sound = { recording: true, persistent: true, inconsistent: false, granularity: 65_536 };

/** The dirty bitmaps of a QEMU, by their nodes. */
export class FakeBitmaps {
  #of = new Map<string, Bitmap[]>();

  on(node: string): readonly Bitmap[] {
    return this.#of.get(node) ?? [];
  }

  /** Puts one there, whatever is there already. */
  put(node: string, name: string, is: Partial<Bitmap> = {}): void {
    this.#of.set(node, [...this.on(node), { ...sound, dirtyBytes: 65_536, name, ...is }]);
  }

  /** With their node they go. */
  drop(node: string): void {
    this.#of.delete(node);
  }

  /** All or nothing; but one that enables a bitmap which is not there kills QEMU. */
  transaction(actions: readonly Action[], other: (action: Action) => void): void {
    const before = structuredClone(this.#of);
    try {
      for (const action of actions) this.#act(action, other);
    } catch (error) {
      this.#of = before;
      throw error;
    }
  }

  add({ node, name, granularity, persistent = false, disabled = false }: BitmapAdd): void {
    if (this.on(node).some((one) => one.name === name))
      throw new Refusal(`Bitmap already exists: ${name}`);
    this.put(node, name, { granularity, persistent, recording: !disabled, dirtyBytes: 0 });
  }

  remove({ node, name }: BitmapOnNode): void {
    this.#one(node, name);
    this.#of.set(
      node,
      this.on(node).filter((one) => one.name !== name),
    );
  }

  set({ node, name }: BitmapOnNode, recording: boolean): void {
    const wanted = this.#usable(node, name);
    this.#of.set(
      node,
      this.on(node).map((one) => (one === wanted ? { ...one, recording } : one)),
    );
  }

  merge({ node, target, bitmaps }: Args<'block-dirty-bitmap-merge'>): void {
    this.#usable(node, target);
    for (const source of bitmaps)
      if (typeof source === 'string') this.#usable(node, source);
      else this.#usable(source.node, source.name);
  }

  #act(action: Action, other: (action: Action) => void): void {
    const { type, data } = action;
    if (type === 'block-dirty-bitmap-add') this.add(data);
    else if (type === 'block-dirty-bitmap-remove') this.remove(data);
    else if (type === 'block-dirty-bitmap-disable') this.set(data, false);
    else if (type === 'block-dirty-bitmap-merge') this.merge(data);
    else if (type === 'block-dirty-bitmap-enable') {
      if (!this.on(data.node).some(({ name }) => name === data.name)) throw new Death('SIGSEGV');
      this.set(data, true);
    } else other(action);
  }

  #one(node: string, name: string): Bitmap {
    const found = this.on(node).find((one) => one.name === name);
    if (!found) throw new Refusal(`Dirty bitmap '${name}' not found`);
    return found;
  }

  #usable(node: string, name: string): Bitmap {
    const found = this.#one(node, name);
    if (found.inconsistent) throw new Refusal(`Bitmap '${name}' is inconsistent`);
    return found;
  }
}

type BitmapAdd = Args<'block-dirty-bitmap-add'>;
type BitmapOnNode = Args<'block-dirty-bitmap-remove'>;
