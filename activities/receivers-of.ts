import type { Receivers } from '../capture/ports.ts';
import { endReceivers, replaceReceivers, substituteDeadReceivers } from '../host/receivers.ts';
import type { StatePaths } from '../host/state-paths.ts';
import { ReceiverError } from '../qemu/errors.ts';
import { probeReceiver } from '../qemu/receiver/probe-receiver.ts';

/** What a receiver holds is flushed or not wanted, and one with a client does not go by itself. */
const graceMs = 0;

/** A receiver on a busy host needs a moment; nothing waits for it meanwhile. */
const probeMs = 3_000;

/** The receivers of a VM, as capture needs them. */
export function receiversOf(paths: StatePaths, vm: string): Receivers {
  return {
    async probe(socket) {
      await probeReceiver(socket, probeMs);
    },
    async end() {
      await endReceivers(paths, vm, graceMs).catch(unlessHung);
    },
    async replace() {
      await replaceReceivers(paths, vm).catch(unlessHung);
    },
    async substituteDead(disks) {
      await substituteDeadReceivers(paths, vm, disks);
    },
  };
}

/** One that hangs in its file system cannot be ended; `yank` frees QEMU from it all the same. */
function unlessHung(error: unknown): void {
  if (!(error instanceof ReceiverError)) throw error;
}
