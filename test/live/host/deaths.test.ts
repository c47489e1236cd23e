import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StillpointClient } from '../../../client/stillpoint-client.ts';
import { findGuard } from '../../../host/guard/find-guard.ts';
import { hasStopLease } from '../../../host/stop-lease.ts';
import { statePaths } from '../../../host/state-paths.ts';
import { AgentRelay } from '../../../lab/agent-relay.ts';
import type { Machine } from '../../../lab/machine.ts';
import { Product } from '../../../lab/product.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { eventually } from '../../host/eventually.ts';
import { startCuttingTap, type CuttingTap } from '../activities/cutting-tap.ts';
import { needFilter } from '../rig/need.ts';

const vm = 'web1';
const freeze = 'guest-fsfreeze-freeze';

let machine: Machine;
let tap: CuttingTap;
let relay: AgentRelay;
let product: Product;
let client: StillpointClient;
beforeAll(async () => {
  machine = await startQemu({ guest: {} });
  tap = await startCuttingTap(machine);
  const agent = join(machine.folder, 'relay.sock');
  relay = await AgentRelay.listen(agent, machine.agentSocket ?? '');
  product = await Product.start({
    vms: { [vm]: { qmp: tap.qmpSocket, agent } },
    defaults: { quiesce: 'required', maxFreezeSeconds: 20 },
  });
  const { address } = product.temporal;
  client = await StillpointClient.connect({ connection: { address }, namespace: 'default' });
});
afterAll(async () => {
  await client?.close();
  await product?.[Symbol.asyncDispose]();
  await relay?.[Symbol.asyncDispose]();
  await tap?.[Symbol.asyncDispose]();
  await machine?.[Symbol.asyncDispose]();
});

const paths = () => statePaths(product.state);
const backUp = async () => (await client.startBackup({ vm })).result();

/** A backup whose guest is frozen, and stays so: the agent has done it, and its answer is on its way. */
async function heldFreeze() {
  relay.misbehave({ to: freeze, reaches: true });
  const backup = await client.startBackup({ vm });
  await eventually(() => relay.withheld > 0);
  const write = machine.guest.run('date >/mnt/sp-vd0/probe', { timeoutMs: 60_000 });
  let written = false;
  void write.then(
    () => (written = true),
    () => undefined,
  );
  return { backup, write, isFrozen: () => !written };
}

async function killGuard(): Promise<void> {
  process.kill((await findGuard(paths(), vm)) ?? NaN, 'SIGKILL');
  await eventually(async () => (await findGuard(paths(), vm)) === undefined);
}

/** One guest and one product for all of them: each finds what the one before has left. */
describe('a frozen guest', () => {
  it('is thawed by its guard, without any worker, when the worker is killed', async () => {
    const { backup, write, isFrozen } = await heldFreeze();
    expect(isFrozen()).toBe(true);
    await product.killWorker();

    await write;

    relay.recover();
    await product.restartWorker();
    expect(await backup.result()).toMatchObject({ consistency: 'filesystem' });
  });

  it('is thawed by its worker when the guard is killed, and its backup starts anew', async () => {
    const { backup, write, isFrozen } = await heldFreeze();
    expect(isFrozen()).toBe(true);
    await killGuard();
    relay.recover();

    await write;

    expect(await backup.result()).toMatchObject({ consistency: 'filesystem' });
  });

  it('is thawed by the worker that starts next when worker and guard are killed', async () => {
    const { backup, write, isFrozen } = await heldFreeze();
    await product.killWorker();
    await killGuard();
    relay.recover();
    expect(isFrozen()).toBe(true);

    await product.restartWorker();
    await write;

    expect(await backup.result()).toMatchObject({ consistency: 'filesystem' });
  });
});

describe('a guest that stands still', () => {
  // Without it the VM is not stopped.
  beforeEach(async (context) => needFilter(context, machine));

  const status = async () => (await machine.labQmp.execute('query-status', {})).status;

  /** Runs `deaths` when the product sends its `cont`, which does not come to QEMU any more. */
  async function inThePause(deaths: () => Promise<void>) {
    const done = new Promise<void>((resolve) => {
      tap.before('cont', async () => {
        await deaths();
        resolve();
        throw new Error('it is never sent');
      });
    });
    const backup = await client.startBackup({ vm });
    await done;
    return backup;
  }

  it('goes on and is thawed by the worker that starts next when worker and guard are killed', async () => {
    const backup = await inThePause(async () => {
      await product.killWorker();
      await killGuard();
    });
    expect(await status()).toBe('paused');
    expect(await hasStopLease(paths(), vm)).toBe(true);

    await product.restartWorker();

    await eventually(async () => (await status()) === 'running');
    await machine.guest.run('date >/mnt/sp-vd0/probe', { timeoutMs: 30_000 });
    expect(await backup.result()).toMatchObject({ consistency: 'filesystem' });
  });

  it('goes on and is thawed by its worker when the guard is killed', async () => {
    const backup = await inThePause(killGuard);

    await eventually(async () => (await status()) === 'running');
    await machine.guest.run('date >/mnt/sp-vd0/probe', { timeoutMs: 30_000 });

    expect(await backup.result()).toMatchObject({ consistency: 'filesystem' });
    expect(await backUp()).toMatchObject({ kind: 'incremental', consistency: 'filesystem' });
  });
});
