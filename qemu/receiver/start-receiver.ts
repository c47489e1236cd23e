import { launch } from './launch.ts';

/** A started receiver. */
export type Receiver = { readonly pid: number };

/**
 * Starts a receiver: a `qemu-nbd` that holds the qcow2 `image` and serves it on the unix socket `socket`, to `shared`
 * clients at once, until it is ended (`endReceiver`). It is a session of its own and outlives this process; what it
 * says goes to `<socket>.log`. Resolves when it answers. A socket file that is there is removed first, so end a former
 * receiver before; the image's lock keeps two from writing. Fails with `ReceiverError` (deadline: 10 s), leaving none.
 */
export async function startReceiver(receiver: {
  readonly image: string;
  readonly socket: string;
  readonly exportName?: string;
  readonly shared?: number;
  readonly signal: AbortSignal;
  readonly deadlineMs?: number;
}): Promise<Receiver> {
  const { image, socket, exportName = 't', shared = 2, signal, deadlineMs } = receiver;
  // The backing file is recorded in the image and not opened: nobody reads here.
  const file = { driver: 'file', filename: image };
  const node = `json:${JSON.stringify({ driver: 'qcow2', backing: null, file })}`;
  const served = ['-x', exportName, '-e', String(shared), '--persistent'];
  // As by default from 6.0 on; below, each write would be flushed. What makes the copy durable is `flushReceiver`.
  const written = ['--discard=unmap', '--cache=writeback'];
  return launch({ socket, args: [...served, ...written, node], signal, deadlineMs });
}
