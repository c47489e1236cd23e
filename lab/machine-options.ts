import { join } from 'node:path';
import { attachOptions, type MachineDisk } from './machine-disk.ts';
import type { QemuVersion } from './qemu-version.ts';
import type { Setup } from './setup.ts';

/** A guest to boot. */
export type GuestOptions = {
  /** Write to every disk all the time. Default: no. */
  readonly workload?: boolean;
  /** Boot again when the guest reboots or is reset. Default: QEMU ends. */
  readonly reboots?: boolean;
};

/** The sockets in a machine's folder. */
export function socketsIn(folder: string) {
  return {
    /** For the product alone: QEMU serves one client on each. */
    qmp: join(folder, 'qmp.sock'),
    labQmp: join(folder, 'lab-qmp.sock'),
    agent: join(folder, 'qga.sock'),
    shell: join(folder, 'shell.sock'),
  };
}

/** QEMU's options for a machine in `folder`. Without a guest it stays stopped before its first instruction. */
export function machineOptions(machine: {
  readonly folder: string;
  readonly disks: readonly MachineDisk[];
  readonly guest: GuestOptions | undefined;
  readonly setup: Setup;
  readonly version: QemuVersion;
}): string[] {
  const { folder, disks, guest, setup, version } = machine;
  const sockets = socketsIn(folder);
  const nothingElse = ['-nodefaults', '-no-user-config', '-display', 'none'];
  const atReset = guest?.reboots ? [] : ['-no-reboot'];
  const machineItself = ['-machine', 'q35,accel=tcg', '-m', guest ? '256' : '32'];
  return [
    ...nothingElse,
    ...atReset,
    ...machineItself,
    ...monitor('qmp', sockets.qmp),
    ...monitor('lab-qmp', sockets.labQmp),
    ...disks.flatMap((disk, index) => attachOptions(disk, index, version)),
    ...(guest ? guestOptions(folder, disks, guest, setup) : ['-S']),
  ];
}

function monitor(id: string, path: string): string[] {
  return [...socket(id, path), '-mon', `chardev=${id},mode=control`];
}

function socket(id: string, path: string): string[] {
  return ['-chardev', `socket,id=${id},path=${path},server=on,wait=off`];
}

function port(id: string, path: string, name: string): string[] {
  return [...socket(id, path), '-device', `virtserialport,chardev=${id},name=${name}`];
}

function guestOptions(
  folder: string,
  disks: readonly MachineDisk[],
  guest: GuestOptions,
  setup: Setup,
): string[] {
  const sockets = socketsIn(folder);
  const drivers = new Set(disks.flatMap((disk) => driversOf[disk.attachment.device]));
  const words = [
    'console=ttyS0 quiet panic=-1 mitigations=off nokaslr',
    `stillpoint.drivers=${[...drivers].join(',')}`,
    `stillpoint.disks=${disks.filter(({ content }) => content === 'ext4').length}`,
    ...(guest.workload ? ['stillpoint.workload=1'] : []),
  ];
  const kernel = ['-kernel', setup.kernel, '-initrd', setup.initramfs, '-append', words.join(' ')];
  const console = ['-serial', `file:${join(folder, 'console.log')}`];
  return [
    ...kernel,
    ...console,
    '-device',
    'virtio-serial-pci',
    ...port('agent', sockets.agent, 'org.qemu.guest_agent.0'),
    ...port('shell', sockets.shell, 'stillpoint.lab'),
  ];
}

/** The guest's modules. Debian's small kernel has none for IDE on this machine. */
const driversOf = {
  'virtio-blk': ['virtio_blk'],
  'virtio-scsi': ['virtio_scsi', 'sd_mod'],
  ide: ['ahci', 'sd_mod'],
  nvme: ['nvme'],
};
