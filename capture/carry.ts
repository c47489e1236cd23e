import { temporaryBitmapName } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import { NbdClient } from '../qemu/nbd/client.ts';
import { NbdError } from '../qemu/errors.ts';
import { placeOf } from './block-nodes.ts';
import { ExportLostError, TargetLostError } from './errors.ts';
import { Pace } from './pace.ts';
import { allocation, dirtyContext, piecesOf, type Piece } from './pieces.ts';
import type { CaptureContext } from './ports.ts';

/** So many pieces of a disk are under way at once: while one is read another is written. */
const underWay = 4;
const connectMs = 10_000;

type Carrier = Pick<CaptureContext, 'plan' | 'places' | 'exportSocket' | 'signal'>;

/** How far a disk is carried. `bytesPerSecond` may be changed on the way; 0 is no limit. */
export type Load = { doneBytes: number; totalBytes: number; bytesPerSecond: number };

/**
 * Carries one disk's instant from QEMU's export to its receiver. May be called again: what was carried is carried once more, and
 * is the same. What QEMU does not serve is an `ExportLostError`, what the receiver does not take a `TargetLostError`.
 */
export async function carry(
  { plan, places, exportSocket, signal }: Carrier,
  disk: DiskPlan,
  load: Load,
): Promise<void> {
  const bitmap = bitmapOf(plan, disk);
  const contexts = [allocation, ...(bitmap === undefined ? [] : [bitmap])];
  const limits = { timeoutMs: connectMs, signal };
  await using source = await NbdClient.connect({
    ...limits,
    path: exportSocket,
    exportName: disk.device,
    contexts,
  }).catch(lost(disk));
  await using target = await NbdClient.connect({
    ...limits,
    path: placeOf(places, disk.index).targetSocket,
    exportName: 't',
  }).catch(refused(disk));
  const hangUp = () => [source, target].forEach((client) => client.close());
  signal.addEventListener('abort', hangUp, { once: true });
  try {
    const pieces = piecesOf(source, bitmap);
    const pace = new Pace(() => load.bytesPerSecond, signal);
    // One that fails ends the pieces for all.
    const carryOn = async () => {
      for await (const piece of pieces) {
        if (!piece.isZero) await pace.wait(piece.length);
        await move(source, target, piece, disk);
        load.doneBytes += piece.length;
      }
    };
    await Promise.all(Array.from({ length: underWay }, carryOn)).catch(lost(disk));
    load.totalBytes = load.doneBytes;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', hangUp);
  }
}

function bitmapOf({ backupId }: BackupPlan, { kind, index }: DiskPlan): string | undefined {
  return kind === 'full' ? undefined : dirtyContext(temporaryBitmapName(backupId, index));
}

async function move(
  source: NbdClient,
  target: NbdClient,
  piece: Piece,
  disk: DiskPlan,
): Promise<void> {
  if (piece.isZero) return target.writeZeroes(piece).catch(refused(disk));
  const bytes = await source.read(piece).catch(lost(disk));
  return target.write(piece.offset, bytes).catch(refused(disk));
}

function lost({ device }: DiskPlan) {
  return (cause: unknown): never => {
    if (!(cause instanceof NbdError)) throw cause;
    throw new ExportLostError(`disk ${device}: QEMU does not serve its instant: ${cause.message}`, {
      cause,
    });
  };
}

/** @see errno(3), ENOSPC */
const noSpace = 28;

function refused({ device }: DiskPlan) {
  return (cause: unknown): never => {
    if (!(cause instanceof NbdError)) throw cause;
    const why =
      cause.code === noSpace
        ? 'there is no room left in the repository'
        : `look at the repository (${cause.message})`;
    throw new TargetLostError(`disk ${device}: its target cannot be written: ${why}`, { cause });
  };
}
