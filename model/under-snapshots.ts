import type { RequestedKind } from './choices.ts';
import { decideDisk, type PublishedBackup } from './decide.ts';
import { chainOf, segmentsOf, type SeenBitmap } from './segments.ts';

/** One node of a disk's backing chain. */
export type ChainNode = {
  readonly node: string;
  readonly format: string;
  readonly virtualBytes: number;
  /** Whether its data are in a file of their own. */
  readonly separateData: boolean;
  readonly bitmaps: readonly SeenBitmap[];
};

/** Segments that an external snapshot has left below the disk's own node. */
export type TrackingBelow = {
  /** The node that they are on. Nothing but a commit writes to it. */
  readonly from: string;
  /** The nodes above it, the disk's own first: what they have allocated has changed since. */
  readonly overlays: readonly string[];
  /** The chain of segments, newest first. */
  readonly segments: readonly { readonly name: string; readonly recording: boolean }[];
};

/** What is wanted of a disk, and what there is to build on. */
type Wanted = {
  readonly device: string;
  readonly published: readonly PublishedBackup[];
  readonly kind: RequestedKind;
  readonly since?: string | undefined;
};

/**
 * The tracking below a disk that has none of its own, which can be carried over to it: then the next backup copies
 * changes. `chain` is the disk's backing chain, its own node first. A sentence where tracking lies below and cannot be
 * carried over; undefined where there is none to speak of.
 */
export function trackingBelow(
  chain: readonly ChainNode[],
  { device, published, kind, since }: Wanted,
): TrackingBelow | string | undefined {
  const [own, ...below] = chain;
  if (!own || segmentsOf(own.bitmaps).length > 0) return undefined;
  const isTracked = ({ virtualBytes, bitmaps }: ChainNode) =>
    decideDisk({ device, virtualBytes, bitmaps }, published, kind, since).kind !== 'full';
  const at = below.findIndex(isTracked) + 1;
  const from = chain[at];
  if (!from || at === 0)
    return below.some(({ bitmaps }) => segmentsOf(bitmaps).some((one) => one.device === device))
      ? 'the bitmaps below it lead to no backup that there is'
      : undefined;
  const overlays = chain.slice(0, at);
  const odd = overlays.find(({ format, separateData }) => format !== 'qcow2' || separateData);
  if (odd) return `what node ${odd.node} has allocated cannot be told: it is no plain qcow2`;
  if (overlays.some(({ virtualBytes }) => virtualBytes !== from.virtualBytes))
    return 'it was resized since';
  return {
    from: from.node,
    overlays: overlays.map(({ node }) => node),
    segments: chainOf({ device, bitmaps: from.bitmaps }).map(({ name, recording }) => ({
      name,
      recording,
    })),
  };
}
