import { describe, expect, it } from 'vitest';
import { attachments } from '../../lab/attachments.ts';
import { attachOptions, labelOf, machineDisk } from '../../lab/machine-disk.ts';

const bare = { folder: '/f', hasGuest: false };

describe('machineDisk', () => {
  it('gives a machine with a guest disks that the guest mounts', () => {
    expect(labelOf(machineDisk({}, 1, { folder: '/f', hasGuest: true }))).toBe('sp-vd1');
  });

  it('gives a bare machine empty disks', () => {
    expect(labelOf(machineDisk({}, 1, bare))).toBeUndefined();
  });
});

describe('attachOptions', () => {
  const cases = [
    {
      title: 'virtio-blk, -blockdev, named, iothread',
      options: [
        '-blockdev',
        '{"driver":"qcow2","node-name":"vd1-node","discard":"unmap","file":{"driver":"file","filename":"/f/vd1.qcow2"}}',
        '-object',
        'iothread,id=vd1-thread',
        '-device',
        'virtio-blk-pci,drive=vd1-node,id=vd1,iothread=vd1-thread',
      ],
    },
    {
      title: 'virtio-scsi, -drive, unnamed',
      options: [
        '-drive',
        'if=none,id=vd1-drive,file=/f/vd1.qcow2,format=qcow2,discard=unmap',
        '-device',
        'virtio-scsi-pci,id=vd1-scsi',
        '-device',
        'scsi-hd,bus=vd1-scsi.0,drive=vd1-drive',
      ],
    },
    {
      title: 'ide, -drive if=, unnamed',
      options: ['-drive', 'if=ide,file=/f/vd1.qcow2,format=qcow2,discard=unmap'],
    },
  ];
  for (const { title, options } of cases)
    it(`attaches: ${title}`, () => {
      const attachment = attachments.find((one) => one.title === title);
      const disk = machineDisk(attachment ? { attachment } : {}, 1, bare);
      expect(attachOptions(disk, 1)).toEqual(options);
    });
});
