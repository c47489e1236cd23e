import { NbdError } from '../errors.ts';
import type { ExactReader } from './exact-reader.ts';
import { chunk, lastChunk, simpleReplyMagic, structuredReplyMagic } from './protocol.ts';

/** What one message of the server says of a request. */
export type Reply = {
  readonly cookie: bigint;
  /** Whether nothing more is said of this request. */
  readonly isLast: boolean;
  /** An error as NBD numbers them, which is as Linux does: 28 is `ENOSPC`. */
  readonly error?: number;
  /** Where the data that follow belong. A hole is data of zeroes. */
  readonly data?: { readonly offset: number; readonly bytes: Buffer };
  readonly status?: { readonly context: number; readonly extents: readonly RawExtent[] };
};

export type RawExtent = { readonly length: number; readonly flags: number };

/** The next message, or undefined when the server has hung up. A simple reply to a read has no shape of its own: none is expected. */
export async function readReply(reader: ExactReader): Promise<Reply | undefined> {
  const magic = (await reader.take(4))?.readUInt32BE(0);
  if (magic === simpleReplyMagic) {
    const rest = await reader.take(12);
    if (!rest) return undefined;
    const error = rest.readUInt32BE(0);
    return { cookie: rest.readBigUInt64BE(4), isLast: true, ...(error !== 0 && { error }) };
  }
  if (magic === undefined) return undefined;
  if (magic !== structuredReplyMagic) throw new NbdError('its reply is no NBD');
  const head = await reader.take(16);
  const payload = head && (await reader.take(head.readUInt32BE(12)));
  if (!head || !payload) return undefined;
  const isLast = (head.readUInt16BE(0) & lastChunk) !== 0;
  return { cookie: head.readBigUInt64BE(4), isLast, ...contentOf(head.readUInt16BE(2), payload) };
}

function contentOf(type: number, payload: Buffer): Pick<Reply, 'error' | 'data' | 'status'> {
  if (type >= chunk.firstError) return { error: payload.readUInt32BE(0) };
  switch (type) {
    case chunk.none:
      return {};
    case chunk.data:
      return { data: { offset: Number(payload.readBigUInt64BE(0)), bytes: payload.subarray(8) } };
    case chunk.hole:
      return {
        data: {
          offset: Number(payload.readBigUInt64BE(0)),
          bytes: Buffer.alloc(payload.readUInt32BE(8)),
        },
      };
    case chunk.blockStatus:
      return { status: { context: payload.readUInt32BE(0), extents: extentsOf(payload) } };
    default:
      throw new NbdError(`a reply of the unknown type ${type}`);
  }
}

function extentsOf(payload: Buffer): RawExtent[] {
  const extents: RawExtent[] = [];
  for (let at = 4; at + 8 <= payload.length; at += 8)
    extents.push({ length: payload.readUInt32BE(at), flags: payload.readUInt32BE(at + 4) });
  return extents;
}
