import type { Socket } from 'node:net';
import { NbdError } from '../errors.ts';
import type { ExactReader } from './exact-reader.ts';
import {
  clientFlags,
  infoExport,
  lengthAndText,
  option,
  optionReply,
  optionReplyMagic,
  optionRequest,
  serverGreeting,
  uint32,
} from './protocol.ts';

/** What was agreed on. */
export type Agreement = {
  readonly sizeBytes: number;
  /** Names of the metadata contexts, by the numbers that replies give them. */
  readonly contexts: ReadonlyMap<number, string>;
};

/**
 * Agrees with the server on an export, structured replies and metadata contexts (as `base:allocation`). A server that
 * lacks one of them is an `NbdError`.
 */
export async function negotiate(
  socket: Socket,
  reader: ExactReader,
  { exportName, contexts }: { readonly exportName: string; readonly contexts: readonly string[] },
): Promise<Agreement> {
  const greeting = await need(reader, serverGreeting.length + 2);
  if (greeting.subarray(0, -2).toString('latin1') !== serverGreeting)
    throw new NbdError('it does not speak NBD as it is spoken today');
  socket.write(uint32(clientFlags));
  const agreed = new Map<number, string>();
  if (contexts.length > 0) {
    socket.write(optionRequest(option.structuredReply));
    await answers(reader, 'structured replies');
    const queries = [uint32(contexts.length), ...contexts.map(lengthAndText)];
    const asked = Buffer.concat([lengthAndText(exportName), ...queries]);
    socket.write(optionRequest(option.setMetaContext, asked));
    for (const { type, data } of await answers(reader, `metadata of "${exportName}"`))
      if (type === optionReply.metaContext)
        agreed.set(data.readUInt32BE(0), data.subarray(4).toString());
    const lacking = contexts.find((context) => ![...agreed.values()].includes(context));
    if (lacking !== undefined) throw new NbdError(`export "${exportName}" has no ${lacking}`);
  }
  const noInfo = Buffer.alloc(2);
  socket.write(optionRequest(option.go, Buffer.concat([lengthAndText(exportName), noInfo])));
  const infos = await answers(reader, `export "${exportName}"`);
  const info = infos.find(
    ({ type, data }) => type === optionReply.info && data.readUInt16BE(0) === infoExport,
  );
  if (!info) throw new NbdError(`export "${exportName}": its size is not told`);
  return { sizeBytes: Number(info.data.readBigUInt64BE(2)), contexts: agreed };
}

type Answer = { readonly type: number; readonly data: Buffer };

/** All that the server says to an option, up to its consent. */
async function answers(reader: ExactReader, what: string): Promise<Answer[]> {
  const all: Answer[] = [];
  for (;;) {
    const head = await need(reader, 20);
    if (head.readBigUInt64BE(0) !== optionReplyMagic) throw new NbdError('its answer is no NBD');
    const type = head.readUInt32BE(12);
    const data = await need(reader, head.readUInt32BE(16));
    if (type === optionReply.ack) return all;
    if (type >= optionReply.firstError)
      throw new NbdError(`${what}: refused (${type - optionReply.firstError}) ${data.toString()}`);
    all.push({ type, data });
  }
}

async function need(reader: ExactReader, length: number): Promise<Buffer> {
  const bytes = await reader.take(length);
  if (!bytes) throw new NbdError('it hung up while an export was agreed on');
  return bytes;
}
