import { StillpointClient } from '../client/stillpoint-client.ts';
import { endReceivers } from '../host/receivers.ts';
import { statePaths } from '../host/state-paths.ts';
import { startInstantTap, type InstantTap } from '../lab/instant-tap.ts';
import type { DiskOptions } from '../lab/machine-disk.ts';
import type { Machine } from '../lab/machine.ts';
import { Product } from '../lab/product.ts';
import { startQemu } from '../lab/start-qemu.ts';

/** The VM of the demonstration. */
export const vm = 'web1';

/** All that the demonstration plays with: a guest, the product over it, and a tap that copies the disks at each instant. */
export class Stage implements AsyncDisposable {
  readonly machine: Machine;
  readonly tap: InstantTap;
  readonly product: Product;
  readonly client: StillpointClient;

  private constructor(
    machine: Machine,
    tap: InstantTap,
    product: Product,
    client: StillpointClient,
  ) {
    this.machine = machine;
    this.tap = tap;
    this.product = product;
    this.client = client;
  }

  /** Boots a guest that writes to these disks all the time, and starts Temporal and a worker over it. */
  static async build(options: {
    readonly disks: readonly DiskOptions[];
    readonly ui: boolean;
  }): Promise<Stage> {
    const { disks, ui } = options;
    const built: AsyncDisposable[] = [];
    const keep = <T extends AsyncDisposable>(part: T): T => {
      built.unshift(part);
      return part;
    };
    try {
      const machine = keep(await startQemu({ disks, guest: { workload: true } }));
      const tap = keep(await startInstantTap(machine));
      const vms = { [vm]: { qmp: tap.qmpSocket, agent: machine.agentSocket } };
      const product = keep(await Product.start({ vms, ui, defaults: { quiesce: 'required' } }));
      const { address } = product.temporal;
      const client = await StillpointClient.connect({
        connection: { address },
        namespace: 'default',
      });
      return new Stage(machine, tap, product, client);
    } catch (error) {
      for (const part of built) await part[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.machine.kill();
    // What a backup that was cut off has left; without QEMU nobody needs it.
    await endReceivers(statePaths(this.product.state), vm);
    await this.product[Symbol.asyncDispose]();
    await this.tap[Symbol.asyncDispose]();
    await this.machine[Symbol.asyncDispose]();
  }
}
