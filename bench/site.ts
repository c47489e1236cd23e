import { StillpointClient } from '../client/stillpoint-client.ts';
import type { VmStatus } from '../client/vm-status.ts';
import { endReceivers } from '../host/receivers.ts';
import { statePaths } from '../host/state-paths.ts';
import type { Machine } from '../lab/machine.ts';
import { Product } from '../lab/product.ts';
import { startQemu, type QemuOptions } from '../lab/start-qemu.ts';
import type { BackupRequest } from '../model/request.ts';
import type { BackupResult } from '../model/result.ts';

/** A machine, the product over it with a warm worker, and a client. */
export type Site = AsyncDisposable & {
  readonly machine: Machine;
  readonly product: Product;
  /** Takes a backup and tells how many milliseconds lay between its start and its result. */
  backUp(request?: Partial<BackupRequest>): Promise<{ result: BackupResult; tookMs: number }>;
  /** How its latest backup stands. */
  status(): Promise<VmStatus | undefined>;
};

/** Builds it, and takes a full backup that warms everything up. */
export async function buildSite(
  options: QemuOptions,
  settings?: Readonly<Record<string, unknown>>,
): Promise<Site> {
  const machine = await startQemu(options);
  const vms = { vm: { qmp: machine.qmpSocket, agent: machine.agentSocket } };
  const product = await Product.start({ vms, settings });
  const connection = { address: product.temporal.address };
  const client = await StillpointClient.connect({ connection, namespace: 'default' });
  const backUp = async (request: Partial<BackupRequest> = {}) => {
    const start = performance.now();
    const result = await (await client.startBackup({ vm: 'vm', ...request })).result();
    return { result, tookMs: performance.now() - start };
  };
  await backUp();
  return {
    machine,
    product,
    backUp,
    status: async () => client.getStatus('vm'),
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await machine.kill();
      await endReceivers(statePaths(product.state), 'vm');
      await product[Symbol.asyncDispose]();
      await machine[Symbol.asyncDispose]();
    },
  };
}

/** Resolves with the first copy job that comes to that status. */
export async function untilJob({ machine }: Site, status: string): Promise<string> {
  return new Promise((resolve) => {
    const unlisten = machine.labQmp.listen(({ event, data }) => {
      const id = String(data['id']);
      if (event !== 'JOB_STATUS_CHANGE' || data['status'] !== status || !/^sp-.*j$/.test(id))
        return;
      unlisten();
      resolve(id);
    });
  });
}
