import { describe, expect, it } from 'vitest';
import { overlayFile } from '../../activities/overlay-file.ts';

const snapshotId = '20261124T020501Z-3fa9';
const web1 = { vm: 'web1', snapshots: undefined };
const of = (base: string) => ({ device: 'root', base, snapshotId });

describe('overlayFile', () => {
  it('lies beside the image', () => {
    expect(overlayFile(web1, of('/vms/web1.img'))).toBe(`/vms/web1.img.${snapshotId}.qcow2`);
  });

  it('takes the place of an earlier snapshot’s id, so that names do not grow', () => {
    const base = '/vms/web1.img.20261123T020501Z-0001.qcow2';

    expect(overlayFile(web1, of(base))).toBe(`/vms/web1.img.${snapshotId}.qcow2`);
  });

  it('lies in the folder that the inventory names, under the names of VM and device', () => {
    const elsewhere = { vm: 'web1', snapshots: '/fast' };

    expect(overlayFile(elsewhere, of('/vms/a'))).toBe(`/fast/web1-root.${snapshotId}.qcow2`);
  });
});
