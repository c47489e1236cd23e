import { launch } from './launch.ts';
import type { Receiver } from './start-receiver.ts';

/**
 * Starts a receiver that keeps nothing, in the place of one that died: QEMU, which waits for it (`reconnect-delay`),
 * then finishes its requests, and the job can be cancelled without a failed write of the guest. It must offer what
 * the dead one did: the same socket, export and size. Found and ended like any receiver. Fails with `ReceiverError`.
 */
export async function startSubstitute(substitute: {
  readonly socket: string;
  readonly virtualBytes: number;
  readonly exportName?: string;
  readonly signal?: AbortSignal;
  readonly deadlineMs?: number;
}): Promise<Receiver> {
  const { socket, virtualBytes, exportName = 't', signal, deadlineMs } = substitute;
  const node = ['--image-opts', `driver=null-co,size=${virtualBytes}`];
  const args = ['-x', exportName, '-e', '2', '--persistent', '--discard=unmap', ...node];
  return launch({ socket, args, signal, deadlineMs });
}
