import { ourName, temporaryBitmapName } from '../../model/names.ts';
import { wednesday } from './sample.ts';

// The actions of Wednesday's transactions, as QEMU is to get them, by the disk's position.

const granularity = 65_536;
const nodeOf = (index: number) => `vd${index}-node`;

/** The segment that begins at the instant. */
export function adding(index: number, name: string, { persistent = true } = {}) {
  return {
    type: 'block-dirty-bitmap-add',
    data: { node: nodeOf(index), name, persistent, granularity },
  };
}

/** A segment that ends at the instant. */
export function disabling(index: number, name: string) {
  return { type: 'block-dirty-bitmap-disable', data: { node: nodeOf(index), name } };
}

export function addingTemporary(index: number, node = nodeOf(index)) {
  const name = temporaryBitmapName(wednesday, index);
  return {
    type: 'block-dirty-bitmap-add',
    data: { node, name, disabled: true, granularity },
  };
}

export function merging(index: number, names: readonly string[], node = nodeOf(index)) {
  const target = temporaryBitmapName(wednesday, index);
  const bitmaps = names.map((name) =>
    node === nodeOf(index) ? name : { node: nodeOf(index), name },
  );
  return { type: 'block-dirty-bitmap-merge', data: { node, target, bitmaps } };
}

/** The job of a disk: of what its temporary bitmap marks, or of all. */
export function copying(index: number, device: string, sync: 'bitmap' | 'full') {
  const changes = { 'bitmap-mode': 'never', bitmap: temporaryBitmapName(wednesday, index) };
  return {
    type: 'blockdev-backup',
    data: {
      'job-id': ourName(wednesday, index, 'j'),
      device,
      target: ourName(wednesday, index, 't'),
      sync,
      ...(sync === 'bitmap' ? changes : {}),
      'auto-finalize': false,
      'auto-dismiss': false,
    },
  };
}
