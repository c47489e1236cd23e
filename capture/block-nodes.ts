import { ourName } from '../model/names.ts';
import type { Args } from '../qemu/qmp/commands.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { QmpTimeoutError } from '../qemu/errors.ts';
import { TargetUnusableError } from './errors.ts';
import type { CaptureContext, DiskPlace } from './ports.ts';

/** A mute receiver hangs the whole monitor in `blockdev-add`, until it hangs up: so this long, and it is ended. */
const attachMs = 3_000;

/** The connection to the receiver on `socket`. */
export function receiverAt(socket: string) {
  return { driver: 'nbd', server: { type: 'unix', path: socket }, export: 't' } as const;
}

/** The NBD node through which a job writes to the receiver on `socket`. */
export function targetNode(
  name: string,
  socket: string,
  reconnectSeconds: number,
): Args<'blockdev-add'> {
  return {
    ...receiverAt(socket),
    'node-name': name,
    ...(reconnectSeconds > 0 ? { 'reconnect-delay': reconnectSeconds } : {}),
  };
}

/**
 * Adds a target's node. While QEMU connects, monitor and guest stand still, so the receiver is asked before whether it
 * answers. When QEMU does not come back from it all the same, the receivers are ended, which frees the monitor.
 */
export async function attachTarget(
  { qmp, receivers }: Pick<CaptureContext, 'qmp' | 'receivers'>,
  { name, socket, reconnectSeconds }: { name: string; socket: string; reconnectSeconds: number },
): Promise<void> {
  await receivers.probe(socket).catch((cause: unknown) => {
    throw new TargetUnusableError(
      `node ${name}: its receiver does not answer; look at the repository`,
      { cause },
    );
  });
  const node = targetNode(name, socket, reconnectSeconds);
  try {
    await qmp.execute('blockdev-add', node, { timeoutMs: attachMs });
  } catch (cause) {
    if (cause instanceof QmpTimeoutError) await receivers.end();
    throw new TargetUnusableError(
      `node ${name}: QEMU cannot use the receiver; may the user that QEMU runs as open its socket?`,
      { cause },
    );
  }
}

/** Attaches and detaches the target of every disk: the proof that QEMU gets to each. */
export async function proveTargets(context: CaptureContext): Promise<void> {
  const { plan, places } = context;
  for (const { index } of plan.disks) {
    const name = ourName(plan.backupId, index, 't');
    const socket = placeOf(places, index).targetSocket;
    await attachTarget(context, { name, socket, reconnectSeconds: 0 });
    await removeNode(context.qmp, name);
  }
}

/** Removes a node that is there. */
export async function removeNode(qmp: QmpClient, name: string): Promise<void> {
  await qmp.execute('blockdev-del', { 'node-name': name });
}

/** The place of the disk at that position of the plan. */
export function placeOf(places: readonly DiskPlace[], index: number): DiskPlace {
  const place = places[index];
  if (!place) throw new RangeError(`no place for disk ${index}`);
  return place;
}
