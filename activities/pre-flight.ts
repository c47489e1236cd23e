import { mkdir, statfs } from 'node:fs/promises';
import { isHeldByJob } from '../capture/held-by-job.ts';
import type { Tier } from '../model/choices.ts';
import type { VmConfig } from '../model/vm-config.ts';
import type { DiskPlan } from '../model/plan.ts';
import { wholeScratchBytes } from '../qemu/images/create-scratch.ts';
import { AgentClient } from '../qemu/qga/client.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { FreezeFailedError, LibvirtManagedError, NoScratchSpaceError } from './errors.ts';
import type { VmSite } from './vm-site.ts';

/** Below this much room a busy guest breaks the snapshot of even a small copy. */
const leastScratchBytes = 64 * 1024 ** 2;

/** Refuses a VM that libvirt manages, which its sockets show, unless the inventory allows it. */
export async function checkManager(qmp: QmpClient, config: VmConfig): Promise<void> {
  if (config.allowLibvirt) return;
  const chardevs = await qmp.execute('query-chardev', {});
  const sign = [config.qmp, ...chardevs.map(({ filename }) => filename)].find((text) =>
    text.includes('/libvirt/'),
  );
  if (sign !== undefined)
    throw new LibvirtManagedError(
      `${config.vm}: libvirt manages this VM (${sign}), and its own snapshots and backups could collide with ours; ` +
        'use libvirt, or set allowLibvirt: true for the VM',
    );
}

/** With `quiesce: required` the agent has to answer before anything is begun. */
export async function checkAgent({ vm, agent }: VmConfig): Promise<void> {
  if (agent === undefined)
    throw new FreezeFailedError(
      `${vm}: quiesce is "required", but the inventory names no agent socket; add \`agent\`, or use quiesce "preferred"`,
    );
  try {
    const client = await AgentClient.connect(agent, AbortSignal.timeout(3_000));
    await client.ping(3_000).finally(() => client.close());
  } catch (cause) {
    throw new FreezeFailedError(
      `${vm}: quiesce is "required", but the guest agent on ${agent} does not answer; is qemu-guest-agent running in the guest?`,
      { cause },
    );
  }
}

/**
 * Room for the scratch, of all disks together. Too little is refused, as is any less than what is set aside; less than the
 * budget is a warning.
 */
export async function checkScratchSpace(
  { config, paths }: VmSite,
  tier: Tier,
  disks: readonly DiskPlan[],
): Promise<string[]> {
  await mkdir(paths.root, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(paths.root);
  const freeBytes = bavail * bsize;
  const sum = (of: (disk: DiskPlan) => number) =>
    disks.reduce((total, disk) => total + of(disk), 0);
  if (isHeldByJob({ tier })) {
    const needed = sum(({ virtualBytes }) => wholeScratchBytes(virtualBytes));
    if (freeBytes >= needed) return [];
    throw new NoScratchSpaceError(
      `${paths.root}: ${freeBytes} bytes are free, and the scratch of ${config.vm} needs ${needed}: on this QEMU a full one ` +
        'would fail the writes of the guest, so it must have room for whole disks; free some, move `state`, or use shield "none"',
    );
  }
  const atMost = sum(({ virtualBytes }) => Math.min(config.scratchBytes, virtualBytes));
  if (freeBytes < Math.min(leastScratchBytes, atMost))
    throw new NoScratchSpaceError(
      `${paths.root}: ${freeBytes} bytes are free for the scratch of ${config.vm}; free some, or move \`state\``,
    );
  return freeBytes < atMost
    ? [
        `the scratch may take ${atMost} bytes and only ${freeBytes} are free in ${paths.root}: the backup fails if the guest writes more than that during the copy`,
      ]
    : [];
}
