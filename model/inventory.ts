import { z } from 'zod';
import { BytesPerSecond, OnError, Quiesce, Shield, Tier } from './choices.ts';
import { MountPoint, VmName } from './names.ts';

const AbsolutePath = z.string().startsWith('/', { error: 'must be an absolute path' });

/** A host's name: it becomes part of a task queue's name. */
export const HostName = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, {
    error: 'a host name is letters, digits, ".", "_", "-"',
  });

/** `10GiB`, `512 MiB` or a number of bytes. */
export const Bytes = z.union([z.int().min(0), z.string()]).transform((value, context) => {
  if (typeof value === 'number') return value;
  const [, digits, unit] = /^(\d+)\s*(B|KiB|MiB|GiB|TiB)?$/.exec(value) ?? [];
  if (!digits) {
    context.addIssue({ code: 'custom', message: 'a size looks like 10GiB, 512MiB or 1048576' });
    return z.NEVER;
  }
  const bytes = Number(digits) * 1024 ** ['B', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit ?? 'B');
  if (Number.isSafeInteger(bytes)) return bytes;
  context.addIssue({ code: 'custom', message: 'a size is 8191 TiB at most' });
  return z.NEVER;
});

/** Where QEMU serves the disks of an export. */
const Exports = z
  .strictObject({
    listen: z
      .string()
      .regex(/^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$/, {
        error: 'an address to listen on looks like 127.0.0.1:10809',
      })
      .exactOptional()
      .describe('Address and port. Default: a unix socket in the state folder.'),
    tlsCreds: AbsolutePath.exactOptional().describe(
      "Folder of QEMU's certificates (`ca-cert.pem`, `server-cert.pem`, `server-key.pem`). Clients need one of the same authority.",
    ),
  })
  .refine(
    ({ listen, tlsCreds }) => tlsCreds !== undefined || listen === undefined || isLoopback(listen),
    {
      path: ['listen'],
      error:
        'everybody who reaches this address could read the disks: set `tlsCreds` too, or listen on 127.0.0.1',
    },
  )
  .refine(({ listen, tlsCreds }) => tlsCreds === undefined || listen !== undefined, {
    path: ['tlsCreds'],
    error: 'certificates are for an address: set `listen` too',
  });

function isLoopback(listen: string): boolean {
  return /^(127\.[0-9]+\.[0-9]+\.[0-9]+|localhost|\[::1\]):/.test(listen);
}

/** Settings that `defaults` gives to every VM and each VM may override. */
const VmSettings = z.strictObject({
  quiesce: Quiesce.exactOptional().describe(
    'Freeze the guest file systems around the instant: `required` (else the backup fails), `preferred` (else it is crash-consistent and says so) or `off`.',
  ),
  shield: Shield.exactOptional().describe(
    'What stands between the guest and the target: `fleece` (QEMU 4.0 and newer, the default from 7.1 on) or `none`.',
  ),
  freezeMountpoints: z
    .array(MountPoint)
    .min(1)
    .max(100)
    .exactOptional()
    .describe(
      'Freeze the file systems mounted there in the guest, and no others. Default: all. One that is not frozen then counts as the whole: `quiesce: required` fails, `preferred` warns and calls the backup crash-consistent.',
    ),
  tier: Tier.exactOptional().describe(
    'How a backup is taken: `fleece`, `direct`, `merge` or `grouped`. For tests: the default is the best that the QEMU has.',
  ),
  maxFreezeSeconds: z
    .int()
    .min(1)
    .max(60)
    .exactOptional()
    .describe('The guard thaws the guest and lets it run after this long, whatever else happens.'),
  targetStallSeconds: z
    .int()
    .min(1)
    .max(86_400)
    .exactOptional()
    .describe(
      'A copy that makes no progress for this long is given up, and the VM freed. Its last flush, which shows no progress, gets the time to write what waits in memory at 4 MiB/s on top.',
    ),
  maxBytesPerSecond: Bytes.pipe(BytesPerSecond)
    .exactOptional()
    .describe(
      'How fast each disk is copied at most, per second; 64KiB at least, 0 is no limit. It can be changed while a backup runs.',
    ),
  onSourceError: OnError.exactOptional().describe(
    'What becomes of a copy that cannot read a disk: `report` (the backup fails), `ignore` (tries again every second, for `targetStallSeconds`), `stop` (waits for an operator) or `enospc` (waits for want of room, else fails).',
  ),
  onTargetError: OnError.exactOptional().describe(
    'The same for a copy that cannot write to its target. `enospc` lets a backup outlive a full repository.',
  ),
  operatorWaitSeconds: z
    .int()
    .min(1)
    .max(604_800)
    .exactOptional()
    .describe('How long a copy that waits for an operator waits. Then it is undone.'),
  scratchBytes: Bytes.exactOptional().describe(
    'Budget of each disk for the guest writes during a copy, on the host. When it is full the backup fails, never the guest.',
  ),
  keepSegments: z
    .int()
    .min(1)
    .max(1000)
    .exactOptional()
    .describe(
      'How many bitmap segments a disk keeps at most. Each costs memory and time at shutdown.',
    ),
  exports: Exports.exactOptional().describe(
    'Where an export is served: `listen`, an address and port, else a unix socket in the state folder; `tlsCreds`, a folder of certificates, needed for any address but the loopback.',
  ),
  exportSeconds: z
    .int()
    .min(1)
    .max(604_800)
    .exactOptional()
    .describe('An export that is neither completed nor discarded for this long is undone.'),
  allowLibvirt: z
    .boolean()
    .exactOptional()
    .describe(
      'Back up although libvirt manages the VM, whose own backups and snapshots could then collide.',
    ),
});

const defaults = {
  quiesce: 'preferred',
  maxFreezeSeconds: 10,
  targetStallSeconds: 60,
  maxBytesPerSecond: 0,
  onSourceError: 'report',
  onTargetError: 'report',
  operatorWaitSeconds: 86_400,
  scratchBytes: 10 * 1024 ** 3,
  keepSegments: 32,
  exportSeconds: 86_400,
  allowLibvirt: false,
} as const;

/** One virtual machine, as its operator describes it. */
const InventoryVm = VmSettings.extend({
  qmp: AbsolutePath.describe(
    'QMP socket of this VM on its host, for Stillpoint alone: QEMU serves one client on each.',
  ),
  agent: AbsolutePath.exactOptional().describe(
    'Socket of the guest agent. Without it, backups are crash-consistent.',
  ),
  host: HostName.exactOptional().describe('The hypervisor host. Default: the `host` of the file.'),
  repository: AbsolutePath.exactOptional().describe(
    "Where this VM's backups rest. Default: the `repository` of the file.",
  ),
  snapshots: AbsolutePath.exactOptional().describe(
    'Folder for the overlays of snapshots. Default: beside each image.',
  ),
  disks: z
    .array(z.string().min(1))
    .min(1)
    .exactOptional()
    .describe('The disks to back up, by device. Default: every writable one.'),
});

/** The inventory file, `stillpoint.yaml`. */
export const Inventory = z.strictObject({
  temporal: z
    .strictObject({
      address: z
        .string()
        .min(1)
        .exactOptional()
        .describe('Host and port of the Temporal server. Default: 127.0.0.1:7233.'),
      namespace: z
        .string()
        .min(1)
        .exactOptional()
        .describe('Temporal namespace. Default: `default`.'),
    })
    .default({})
    .describe(
      'Where Temporal is. `TEMPORAL_*` variables and the profiles of the Temporal CLI work too.',
    ),
  host: HostName.exactOptional().describe(
    "The name of this host. Default: the machine's host name.",
  ),
  repository: AbsolutePath.describe('Folder where backups rest.'),
  state: AbsolutePath.default('/var/lib/stillpoint').describe(
    'Folder for locks, leases, scratch and sockets of this host; mode 0700. Keep it short: socket paths have 107 characters at most.',
  ),
  sweepSeconds: z
    .int()
    .min(1)
    .max(3600)
    .default(300)
    .describe('How often the host worker looks for what dead and terminated runs have left.'),
  defaults: VmSettings.default({}).describe('Settings for every VM that does not give its own.'),
  vms: z.record(VmName, InventoryVm).describe('The virtual machines, by name.'),
});
export type Inventory = z.infer<typeof Inventory>;

/** One VM with every setting decided. */
export type VmConfig = {
  readonly vm: string;
  readonly host: string;
  readonly qmp: string;
  readonly agent: string | undefined;
  readonly repository: string;
  readonly snapshots: string | undefined;
  readonly disks: readonly string[] | undefined;
  readonly quiesce: Quiesce;
  readonly shield: Shield | undefined;
  readonly freezeMountpoints: readonly string[] | undefined;
  readonly tier: Tier | undefined;
  readonly maxFreezeSeconds: number;
  readonly targetStallSeconds: number;
  readonly maxBytesPerSecond: number;
  readonly onSourceError: OnError;
  readonly onTargetError: OnError;
  readonly operatorWaitSeconds: number;
  readonly scratchBytes: number;
  readonly keepSegments: number;
  readonly exports: z.infer<typeof Exports>;
  readonly exportSeconds: number;
  readonly allowLibvirt: boolean;
};

/** The VM of that name with all defaults filled in, or undefined when the inventory has none. `hostName` is the machine's own. */
export function vmConfig(inventory: Inventory, vm: string, hostName: string): VmConfig | undefined {
  const own = Object.hasOwn(inventory.vms, vm) ? inventory.vms[vm] : undefined;
  if (!own) return undefined;
  const given = { ...defaults, ...inventory.defaults, ...own };
  return {
    vm,
    host: own.host ?? inventory.host ?? hostName,
    qmp: own.qmp,
    agent: own.agent,
    repository: own.repository ?? inventory.repository,
    snapshots: own.snapshots,
    disks: own.disks,
    quiesce: given.quiesce,
    shield: given.shield,
    freezeMountpoints: given.freezeMountpoints,
    tier: given.tier,
    maxFreezeSeconds: given.maxFreezeSeconds,
    targetStallSeconds: given.targetStallSeconds,
    maxBytesPerSecond: given.maxBytesPerSecond,
    onSourceError: given.onSourceError,
    onTargetError: given.onTargetError,
    operatorWaitSeconds: given.operatorWaitSeconds,
    scratchBytes: given.scratchBytes,
    keepSegments: given.keepSegments,
    exports: given.exports ?? {},
    exportSeconds: given.exportSeconds,
    allowLibvirt: given.allowLibvirt,
  };
}
