import { join } from 'node:path';
import { usualAttachment, type Attachment } from './attachments.ts';
import type { DiskFormat } from './disk-image.ts';
import { knowsDevices, type QemuVersion } from './qemu-version.ts';

/** A disk to make and attach. Default: 64 MiB, qcow2, ext4, virtio-blk by `-blockdev`, named. */
export type DiskOptions = {
  readonly attachment?: Attachment;
  readonly format?: DiskFormat;
  readonly virtualBytes?: number;
  /** `ext4`: labelled so that the guest mounts it at `/mnt/sp-<name>`. Default on a machine with a guest. */
  readonly content?: 'ext4' | 'empty';
};

/** A disk of a machine. */
export type MachineDisk = {
  /** `vd0`, `vd1`: the device's id where it is named, and the disk's file in the machine's folder. */
  readonly name: string;
  readonly path: string;
  readonly format: DiskFormat;
  readonly virtualBytes: number;
  readonly content: 'ext4' | 'empty';
  readonly attachment: Attachment;
};

/** The disk at `index` of a machine, with every option decided. */
export function machineDisk(
  options: DiskOptions,
  index: number,
  machine: { readonly folder: string; readonly hasGuest: boolean },
): MachineDisk {
  const name = `vd${index}`;
  const format = options.format ?? 'qcow2';
  return {
    name,
    path: join(machine.folder, `${name}.${format}`),
    format,
    virtualBytes: options.virtualBytes ?? 64 * 1024 ** 2,
    content: options.content ?? (machine.hasGuest ? 'ext4' : 'empty'),
    attachment: options.attachment ?? usualAttachment,
  };
}

/** The label that the guest knows a disk by. */
export function labelOf(disk: MachineDisk): string | undefined {
  return disk.content === 'ext4' ? `sp-${disk.name}` : undefined;
}

/** The options that attach a disk to a QEMU of that version. Paths must have no comma. */
export function attachOptions(disk: MachineDisk, index: number, version?: QemuVersion): string[] {
  const { attachment, name, path, format } = disk;
  const { style } = attachment;
  if (style === 'drive-if') {
    const interfaceName = attachment.device === 'ide' ? 'ide' : 'virtio';
    return ['-drive', `if=${interfaceName},file=${path},format=${format},discard=unmap`];
  }
  const backend = style === 'blockdev' ? `${name}-node` : `${name}-drive`;
  const file = { driver: 'file', filename: path };
  const node = { driver: format, 'node-name': backend, discard: 'unmap', file };
  const source =
    style === 'blockdev'
      ? ['-blockdev', JSON.stringify(node)]
      : ['-drive', `if=none,id=${backend},file=${path},format=${format},discard=unmap`];
  const properties = Object.entries(oldProperties(version, attachment.device));
  const given = properties.map(([name, value]) => `,${name}=${value}`).join('');
  return [...source, ...deviceOptions(disk, index, `${backend}${given}`)];
}

/**
 * What a device of an old QEMU is given: one that shares lets the lab write beside it by its node; on 2.11 one of `-blockdev`
 * does not pause the VM by itself.
 */
export function oldProperties(
  version: QemuVersion | undefined,
  device: Attachment['device'],
): Record<string, string> {
  if (!version || knowsDevices(version)) return {};
  return {
    'share-rw': 'on',
    ...(version.major < 3 && device !== 'nvme' && { werror: 'enospc' }),
  };
}

function deviceOptions({ attachment, name }: MachineDisk, index: number, backend: string) {
  const thread = attachment.iothread ? ['-object', `iothread,id=${name}-thread`] : [];
  const onThread = attachment.iothread ? `,iothread=${name}-thread` : '';
  const end = `drive=${backend}${attachment.named ? `,id=${name}` : ''}`;
  switch (attachment.device) {
    case 'virtio-blk':
      return [...thread, '-device', `virtio-blk-pci,${end}${onThread}`];
    case 'virtio-scsi': {
      const controller = ['-device', `virtio-scsi-pci,id=${name}-scsi${onThread}`];
      return [...thread, ...controller, '-device', `scsi-hd,bus=${name}-scsi.0,${end}`];
    }
    case 'ide':
      return ['-device', `ide-hd,bus=ide.${index},${end}`];
    case 'nvme':
      return ['-device', `nvme,serial=${name},${end}`];
  }
}
