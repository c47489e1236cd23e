import { StillpointClient } from '../client/stillpoint-client.ts';
import { endReceivers } from '../host/receivers.ts';
import { statePaths } from '../host/state-paths.ts';
import { startAgentTap, type AgentTap } from '../lab/agent-tap.ts';
import { startInstantTap, type InstantTap } from '../lab/instant-tap.ts';
import type { DiskOptions } from '../lab/machine-disk.ts';
import type { Machine } from '../lab/machine.ts';
import { Product } from '../lab/product.ts';
import { startQemu } from '../lab/start-qemu.ts';

/** The VM of the demonstration. */
export const vm = 'web1';

/** All that the demonstration plays with: a guest, the product over it, and taps between the two that see what it does. */
export class Stage implements AsyncDisposable {
  readonly machine: Machine;
  readonly tap: InstantTap;
  readonly agentTap: AgentTap;
  readonly product: Product;
  readonly client: StillpointClient;

  private constructor(
    machine: Machine,
    { tap, agentTap }: { tap: InstantTap; agentTap: AgentTap },
    product: Product,
    client: StillpointClient,
  ) {
    this.machine = machine;
    this.tap = tap;
    this.agentTap = agentTap;
    this.product = product;
    this.client = client;
  }

  /**
   * Boots a guest that writes to these disks all the time, and starts Temporal and a worker over it. `watched`,
   * `defaults` and `settings` are the product's.
   */
  static async build(options: {
    readonly disks: readonly DiskOptions[];
    readonly ui: boolean;
    readonly watched?: boolean;
    readonly reboots?: boolean;
    readonly workload?: boolean;
    readonly defaults?: Readonly<Record<string, unknown>>;
    readonly settings?: Readonly<Record<string, unknown>>;
  }): Promise<Stage> {
    const { disks, ui, watched, reboots = false, workload = true, settings } = options;
    const defaults = { quiesce: 'required', ...options.defaults };
    const built: AsyncDisposable[] = [];
    const keep = <T extends AsyncDisposable>(part: T): T => {
      built.unshift(part);
      return part;
    };
    try {
      const machine = keep(await startQemu({ disks, guest: { workload, reboots } }));
      const tap = keep(await startInstantTap(machine));
      const agentTap = keep(await startAgentTap(machine));
      const vms = { [vm]: { qmp: tap.qmpSocket, agent: agentTap.agentSocket } };
      const product = keep(await Product.start({ vms, ui, watched, defaults, settings }));
      const { address } = product.temporal;
      const client = await StillpointClient.connect({
        connection: { address },
        namespace: 'default',
      });
      return new Stage(machine, { tap, agentTap }, product, client);
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
    await this.agentTap[Symbol.asyncDispose]();
    await this.machine[Symbol.asyncDispose]();
  }
}
