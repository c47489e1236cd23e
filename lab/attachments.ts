/** How one disk is attached to a machine. */
export type Attachment = {
  /** `virtio-blk`, `-blockdev`, named: for the titles of tests. */
  readonly title: string;
  readonly device: 'virtio-blk' | 'virtio-scsi' | 'ide' | 'nvme';
  /** `-blockdev` with a node name and `-device`; `-drive if=none,id=` and `-device`; or `-drive if=` alone. */
  readonly style: 'blockdev' | 'drive' | 'drive-if';
  /** Whether the guest device has an id. */
  readonly named: boolean;
  readonly iothread: boolean;
};

const devices = [
  { device: 'virtio-blk', styles: ['blockdev', 'drive', 'drive-if'], iothreads: true },
  { device: 'virtio-scsi', styles: ['blockdev', 'drive'], iothreads: true },
  { device: 'ide', styles: ['blockdev', 'drive', 'drive-if'], iothreads: false },
  { device: 'nvme', styles: ['blockdev', 'drive'], iothreads: false },
] as const;

/**
 * Every way to attach a disk that the product must know: device kind x attach style x named or not x iothread, less
 * what QEMU cannot do. `-drive if=` makes a device without an id and without an iothread.
 */
export const attachments: readonly Attachment[] = devices.flatMap(({ device, styles, iothreads }) =>
  styles.flatMap((style) =>
    (style === 'drive-if' ? [false] : [true, false]).flatMap((named) =>
      (iothreads && style !== 'drive-if' ? [false, true] : [false]).map((iothread) =>
        attachment(device, style, named, iothread),
      ),
    ),
  ),
);

/** What most of today's machines have: virtio-blk by `-blockdev`, named. */
export const usualAttachment: Attachment = attachment('virtio-blk', 'blockdev', true, false);

function attachment(
  device: Attachment['device'],
  style: Attachment['style'],
  named: boolean,
  iothread: boolean,
): Attachment {
  const option = { blockdev: '-blockdev', drive: '-drive', 'drive-if': '-drive if=' }[style];
  const title = [
    device,
    option,
    named ? 'named' : 'unnamed',
    ...(iothread ? ['iothread'] : []),
  ].join(', ');
  return { title, device, style, named, iothread };
}
