import type { SeenBitmap } from '../../model/segments.ts';
import type { Args } from '../../qemu/qmp/commands.ts';
import { Death, Refusal } from './answering-qemu.ts';
import { MiB } from './sample.ts';

type Node = Args<'blockdev-add'>;
type Device = { readonly node: string; readonly format: string; drive: string };
type BitmapsOn = (node: string) => readonly SeenBitmap[];

/** The block nodes of a QEMU: those of its devices, and those that were added. */
export class FakeNodes {
  readonly devices = new Map<string, Device>();
  readonly #added = new Map<string, Node>();

  get all(): readonly string[] {
    return [...[...this.devices.values()].map(({ node }) => node), ...this.#added.keys()];
  }

  of(driver: Node['driver']): string[] {
    return [...this.#added].filter(([, node]) => node.driver === driver).map(([name]) => name);
  }

  add(node: Node): void {
    const name = node['node-name'] ?? '';
    if (this.all.includes(name)) throw new Refusal(`Duplicate nodes with node-name='${name}'`);
    for (const child of childrenOf(node))
      if (!this.all.includes(child.node)) throw new Refusal(`Cannot find node '${child.node}'`);
    this.#added.set(name, node);
  }

  remove(name: string, heldByJob: boolean): void {
    if (!this.#added.has(name)) throw new Refusal(`Failed to find node with node-name='${name}'`);
    const isChild = [...this.#added.values()].some((node) =>
      childrenOf(node).some((child) => child.node === name),
    );
    const isDrive = [...this.devices.values()].some(({ drive }) => drive === name);
    if (heldByJob || isChild || isDrive) throw new Refusal(`Node ${name} is in use`);
    this.#added.delete(name);
  }

  setDrive({ path, value }: Args<'qom-set'>): void {
    const device = this.devices.get(path.replace('/machine/peripheral/', ''));
    const drive = String(value);
    if (!device || !this.all.includes(drive)) throw new Refusal(`${path}: no ${drive}`);
    if (device.drive === drive) throw new Death('old_bs != new_bs');
    const accessed = this.of('snapshot-access').some((name) => this.#below(name) === device.drive);
    if (accessed) throw new Refusal(`Permission conflict on node '${device.drive}'`);
    device.drive = drive;
  }

  /** The answer to `query-block`. */
  blocks(bitmapsOn: BitmapsOn): unknown[] {
    return [...this.devices].map(([id, { node, drive, format }]) => ({
      device: '',
      qdev: `/machine/peripheral/${id}/virtio-backend`,
      removable: false,
      inserted: inserted(drive, drive === node ? format : 'copy-before-write', bitmapsOn(drive)),
    }));
  }

  /** The answer to `query-named-block-nodes`. */
  named(bitmapsOn: BitmapsOn): unknown[] {
    const formats = [...this.devices.values()].map(({ node, format }) => [node, format] as const);
    const drivers = [...this.#added].map(([name, { driver }]) => [name, driver] as const);
    return [...formats, ...drivers].map(([name, format]) =>
      inserted(name, format, bitmapsOn(name)),
    );
  }

  /** The answer to `x-debug-query-block-graph`. */
  graph(): unknown {
    const idOf = (name: string) => this.all.indexOf(name);
    return {
      nodes: this.all.map((name) => ({ id: idOf(name), type: 'block-driver', name })),
      edges: [...this.#added].flatMap(([name, node]) =>
        childrenOf(node).map((child) => ({
          parent: idOf(name),
          child: idOf(child.node),
          name: child.link,
          perm: [],
          'shared-perm': [],
        })),
      ),
    };
  }

  #below(name: string): string | undefined {
    const node = this.#added.get(name);
    return node && childrenOf(node).find(({ link }) => link === 'file')?.node;
  }
}

function childrenOf(node: Node): { link: 'file' | 'target'; node: string }[] {
  if (node.driver === 'snapshot-access') return [{ link: 'file', node: node.file }];
  if (node.driver !== 'copy-before-write') return [];
  return [
    { link: 'file', node: node.file },
    { link: 'target', node: node.target },
  ];
}

function inserted(name: string, format: string, bitmaps: readonly SeenBitmap[]): unknown {
  return {
    'node-name': name,
    drv: format,
    ro: false,
    file: '/vd.qcow2',
    image: {
      filename: '/vd.qcow2',
      format,
      'virtual-size': 64 * MiB,
      'actual-size': 2 * MiB,
    },
    'dirty-bitmaps': bitmaps.map(({ dirtyBytes, ...bitmap }) => ({
      ...bitmap,
      count: dirtyBytes,
      granularity: 65_536,
      busy: false,
      inconsistent: bitmap.inconsistent || undefined,
    })),
  };
}
