import { stat, truncate } from 'node:fs/promises';
import { ToolError } from '../errors.ts';
import type { BlockdevOptions } from '../qmp/block-nodes.ts';
import { createImage } from './create-image.ts';
import type { ToolLimits } from './run-tool.ts';

const CLUSTER_BYTES = 65_536;

/**
 * Creates a scratch: a qcow2 in a sparse file of `limitBytes`, rounded down to whole clusters. Opened as `scratchNode`
 * it never grows beyond that: when it is full, writes to it fail. A scratch that is there is replaced. Deadline: 30 s.
 */
export async function createScratch(
  scratch: {
    readonly path: string;
    readonly virtualBytes: number;
    readonly limitBytes: number;
  } & ToolLimits,
): Promise<void> {
  const { limitBytes, ...image } = scratch;
  await createImage(image);
  const { size } = await stat(scratch.path);
  if (size > wholeClusters(limitBytes)) {
    const what = `create: ${scratch.path}: a scratch of ${limitBytes} bytes is too small: its metadata alone take ${size}`;
    throw new ToolError('qemu-img', what);
  }
  await truncate(scratch.path, wholeClusters(limitBytes));
}

/**
 * What `blockdev-add` takes to open a scratch within its limit. With `backing`, a node, it reads as that one does where
 * nothing was written to it.
 */
export function scratchNode(scratch: {
  readonly nodeName: string;
  readonly path: string;
  readonly limitBytes: number;
  readonly backing?: string | undefined;
}): BlockdevOptions {
  return {
    driver: 'qcow2',
    'node-name': scratch.nodeName,
    discard: 'unmap',
    ...(scratch.backing === undefined ? {} : { backing: scratch.backing }),
    file: {
      driver: 'raw',
      size: wholeClusters(scratch.limitBytes),
      file: { driver: 'file', filename: scratch.path, discard: 'unmap' },
    },
  };
}

function wholeClusters(bytes: number): number {
  return bytes - (bytes % CLUSTER_BYTES);
}
