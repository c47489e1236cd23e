import { stat, truncate } from 'node:fs/promises';
import { ToolError } from '../errors.ts';
import type { BlockdevOptions } from '../qmp/block-nodes.ts';
import { createImage } from './create-image.ts';
import { runTool, type ToolLimits } from './run-tool.ts';

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

/** What a scratch needs at most: every cluster of the disk, and the tables that find them. */
export function wholeScratchBytes(virtualBytes: number): number {
  return wholeClusters(virtualBytes + virtualBytes / 2_048 + 64 * CLUSTER_BYTES);
}

/** Has the host's file system set aside all that the scratch may grow to. Too little room is a `ToolError`. Deadline: 30 s. */
export async function reserveScratch(
  scratch: { readonly path: string; readonly limitBytes: number } & ToolLimits,
): Promise<void> {
  const { path, limitBytes, signal, timeoutMs = 30_000 } = scratch;
  const length = String(wholeClusters(limitBytes));
  await runTool('fallocate', ['--length', length, path], { signal, timeoutMs });
}

/**
 * What `blockdev-add` takes to open a scratch within its limit. With `backing`, a node, it reads as that one does where
 * nothing was written to it. A node that passes all on keeps the host from copying where that is not wanted.
 */
export function scratchNode(scratch: {
  readonly nodeName: string;
  readonly path: string;
  readonly limitBytes: number;
  readonly backing?: string | undefined;
  /** Whether QEMU may have the host copy to it. */
  readonly offloads?: boolean | undefined;
}): BlockdevOptions {
  const limited = {
    driver: 'raw',
    size: wholeClusters(scratch.limitBytes),
    file: { driver: 'file', filename: scratch.path, discard: 'unmap' },
  } as const;
  return {
    driver: 'qcow2',
    'node-name': scratch.nodeName,
    // A cluster that is given up would show what lies below.
    discard: scratch.backing === undefined ? 'unmap' : 'ignore',
    ...(scratch.backing === undefined ? {} : { backing: scratch.backing }),
    file: scratch.offloads === false ? { driver: 'blkdebug', image: limited } : limited,
  };
}

function wholeClusters(bytes: number): number {
  return bytes - (bytes % CLUSTER_BYTES);
}
