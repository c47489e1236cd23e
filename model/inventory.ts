import { z } from 'zod';
import { AbsolutePath, VmName } from './names.ts';
import { VmSettings } from './vm-settings.ts';

/** A host's name: it becomes part of a task queue's name. */
export const HostName = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, {
    error: 'a host name is letters, digits, ".", "_", "-"',
  });

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
