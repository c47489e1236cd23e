import { AgentClient } from '../qemu/qga/client.ts';
import { median, spread } from './median.ts';
import { buildSite, type Site } from './site.ts';

const rounds = 7;
const MiB = 1024 ** 2;

/**
 * How long the guest's file systems are frozen and how long it stands still, idle and under load: beside the guest's own
 * freeze and thaw with nothing in between, measured in turn with it.
 */
export async function benchFrozen(workload: boolean): Promise<string[]> {
  const disks = [{ virtualBytes: 128 * MiB }, { virtualBytes: 96 * MiB }];
  await using site = await buildSite({ disks, guest: { workload } });
  const own: number[] = [];
  const frozen: number[] = [];
  const paused: number[] = [];
  for (let round = 0; round < rounds; round++) {
    own.push(await freezeAndThaw(site));
    const { result } = await site.backUp({ quiesce: 'required' });
    frozen.push(result.frozenMs);
    paused.push(result.pausedMs);
  }
  const more = median(frozen) - median(own);
  return [
    `${workload ? 'loaded' : 'idle'} guest, two disks`,
    `  freeze and thaw alone  ${spread(own, 'ms')}`,
    `  frozen by a backup     ${spread(frozen, 'ms')}: ${more.toFixed(0)} ms more, ratio ${(median(frozen) / median(own)).toFixed(2)}`,
    `  paused by a backup     ${spread(paused, 'ms', 1)}`,
  ];
}

async function freezeAndThaw({ machine }: Site): Promise<number> {
  await using agent = await AgentClient.connect(
    machine.agentSocket ?? '',
    AbortSignal.timeout(5_000),
  );
  const start = performance.now();
  await agent.freeze(10_000);
  await agent.thaw(10_000);
  return performance.now() - start;
}
