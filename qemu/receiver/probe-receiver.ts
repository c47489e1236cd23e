import { connect } from 'node:net';
import { bounded } from '../bounded.ts';
import { ReceiverError } from '../errors.ts';

/** What an NBD server says first. @see nbd/doc/proto.md, newstyle negotiation */
const MAGIC = 'NBDMAGICIHAVEOPT';

/**
 * Connects as an NBD client would, reads the server's first words and hangs up. QEMU's monitor stands still while it
 * attaches a receiver that is mute, so this is asked before. Anything else than an answer is a `ReceiverError`.
 */
export async function probeReceiver(
  socket: string,
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const client = connect({ path: socket }).setEncoding('latin1');
  let heard = '';
  const answered = new Promise<void>((resolve, reject) => {
    client.on('data', (text: string) => {
      heard += text;
      if (heard.startsWith(MAGIC)) resolve();
      else if (heard.length >= MAGIC.length) reject(new ReceiverError(`${socket}: no NBD server`));
    });
    client.once('error', (cause) => {
      reject(new ReceiverError(`receiver ${socket}: no connection (${cause.message})`, { cause }));
    });
    client.once('close', () => reject(new ReceiverError(`receiver ${socket}: hung up`)));
  });
  const late = () => new ReceiverError(`receiver ${socket}: mute for ${deadlineMs} ms`);
  await bounded(answered, { timeoutMs: deadlineMs, signal, late }).finally(() => client.destroy());
}
