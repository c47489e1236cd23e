import type { Args } from '../../qemu/qmp/commands.ts';
import { Refusal } from './answering-qemu.ts';

type Export = Args<'block-export-add'>;

/** The NBD server of a QEMU, of which it has one, and what it exports. */
export class FakeExports {
  readonly all: Export[] = [];
  /** Where it listens, while it runs. */
  server: Args<'nbd-server-start'> | undefined;
  readonly objects = new Set<string>();
  /** The address is another's. */
  taken = false;

  start(server: Args<'nbd-server-start'>): void {
    if (this.server) throw new Refusal('NBD server already running');
    if (this.taken) throw new Refusal('Failed to find an available port: Address already in use');
    this.server = server;
  }

  stop(): void {
    if (!this.server) throw new Refusal('NBD server not running');
    this.server = undefined;
    this.all.length = 0;
  }

  add(one: Export): void {
    if (!this.server) throw new Refusal('NBD server not running');
    this.all.push(one);
  }

  remove({ id }: Args<'block-export-del'>): void {
    const at = this.all.findIndex((one) => one.id === id);
    if (at === -1) throw new Refusal(`Export '${id}' is not found`);
    this.all.splice(at, 1);
  }

  /** The answer to `query-block-exports`. */
  list(): unknown[] {
    return this.all.map(({ id, type, 'node-name': node }) => {
      return { id, type, 'node-name': node, 'shutting-down': false };
    });
  }

  deleteObject({ id }: Args<'object-del'>): void {
    if (!this.objects.delete(id)) throw new Refusal(`object '${id}' not found`);
  }
}
