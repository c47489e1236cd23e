import type { VmConfig } from '../../model/vm-config.ts';
import { tierFor } from '../../model/tier.ts';
import { QmpBusyError, QmpConnectError } from '../../qemu/errors.ts';
import { QmpClient } from '../../qemu/qmp/client.ts';
import { featuresOf } from '../../qemu/qmp/features.ts';
import type { Check } from './check.ts';
import { socketTrouble } from './socket-trouble.ts';

/** A VM's QMP socket, and what its QEMU says: its version, how backups are taken of it, who manages it, its disks. */
export async function examineQmp(config: VmConfig, signal: AbortSignal): Promise<Check[]> {
  const bound = AbortSignal.any([signal, AbortSignal.timeout(15_000)]);
  try {
    const qmp = await QmpClient.connect(config.qmp, bound);
    try {
      return [
        { check: 'qmp', state: 'ok', message: `QEMU ${versionOf(qmp)} answers at ${config.qmp}` },
        await examineTier(qmp, config, bound),
        ...(await examineManager(qmp, config, bound)),
        await examineDisks(qmp, config, bound),
      ];
    } finally {
      qmp.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    return [whyNoQmp(error as Error, config.qmp)];
  }
}

function versionOf({ version: { major, minor, micro } }: QmpClient): string {
  return `${major}.${minor}.${micro}`;
}

function whyNoQmp(error: Error, socket: string): Check {
  const problem = { check: 'qmp', state: 'problem' } as const;
  if (error instanceof QmpBusyError)
    return {
      ...problem,
      message: `${socket}: another client holds this socket, or QEMU hangs`,
      advice:
        'QEMU serves one client on each: give Stillpoint a socket of its own (a further `-qmp unix:...`).',
    };
  if (error instanceof QmpConnectError) return { ...problem, ...socketTrouble(error, socket) };
  return { ...problem, message: error.message };
}

/** How backups are taken of this QEMU. Features are asked from its schema, not guessed from its version. */
async function examineTier(
  qmp: QmpClient,
  { shield, tier: wanted }: VmConfig,
  signal: AbortSignal,
): Promise<Check> {
  const check = 'shield';
  const features = featuresOf(await qmp.execute('query-qmp-schema', {}, { signal }));
  const choice = tierFor(features, { shield, tier: wanted });
  if ('refused' in choice)
    return {
      check,
      state: 'problem',
      message: `QEMU ${versionOf(qmp)}: ${choice.refused}`,
      advice: 'Use a newer QEMU, or change `shield` or `tier` of this VM in the inventory.',
    };
  const { tier } = choice;
  if (tier === 'fleece')
    return { check, state: 'ok', message: 'fleece: this QEMU can do both kinds (tier fleece)' };
  if (tier === 'fleece-job')
    return {
      check,
      state: 'ok',
      message: 'fleece: by a job, with a scratch as large as the disks (tier fleece-job)',
    };
  return features.fleecing
    ? { check, state: 'ok', message: `none: as the inventory wants (tier ${tier})` }
    : {
        check,
        state: 'warning',
        message: `none: QEMU ${versionOf(qmp)} has no copy-before-write filter (tier ${tier})`,
        advice: `A slow target can slow the guest during a backup. ${
          features.exporting
            ? 'With `shield: fleece` it cannot; that takes room for whole disks in the state folder.'
            : 'QEMU 4.0 and newer can do better.'
        }`,
      };
}

/** libvirt shows itself by the paths of its sockets. */
async function examineManager(
  qmp: QmpClient,
  { qmp: socket, allowLibvirt }: VmConfig,
  signal: AbortSignal,
): Promise<Check[]> {
  const chardevs = await qmp.execute('query-chardev', {}, { signal });
  const paths = [socket, ...chardevs.map(({ filename }) => filename)];
  if (!paths.some((path) => path.includes('/libvirt/'))) return [];
  return [
    {
      check: 'libvirt',
      state: allowLibvirt ? 'warning' : 'problem',
      message: 'libvirt manages this VM: its own snapshots and backups could collide with ours',
      advice: allowLibvirt
        ? 'The inventory allows it (allowLibvirt): keep to one of the two.'
        : 'Back it up with libvirt, or set allowLibvirt: true for it.',
    },
  ];
}

async function examineDisks(
  qmp: QmpClient,
  { disks: chosen }: VmConfig,
  signal: AbortSignal,
): Promise<Check> {
  const blocks = await qmp.execute('query-block', {}, { signal });
  const writable = blocks.filter(({ inserted }) => inserted && !inserted.ro).length;
  if (writable === 0)
    return {
      check: 'disks',
      state: 'problem',
      message: 'there is no writable disk, so nothing to back up',
      advice: 'Take the VM out of the inventory, or look whether this is its socket.',
    };
  const which = chosen ? `, of which the inventory chooses ${chosen.join(', ')}` : '';
  return { check: 'disks', state: 'ok', message: `${writable} writable${which}` };
}
