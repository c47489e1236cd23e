// What NBD's newstyle negotiation and transmission put on the wire. @see nbd/doc/proto.md

export const serverGreeting = 'NBDMAGICIHAVEOPT';
export const optionMagic = 0x49_48_41_56_45_4f_50_54n;
export const optionReplyMagic = 0x3_e8_89_04_55_65_a9n;
export const requestMagic = 0x25_60_95_13;
export const simpleReplyMagic = 0x67_44_66_98;
export const structuredReplyMagic = 0x66_8e_33_ef;

/** `NBD_FLAG_C_FIXED_NEWSTYLE | NBD_FLAG_C_NO_ZEROES` */
export const clientFlags = 3;

export const option = { go: 7, structuredReply: 8, setMetaContext: 10 } as const;
export const optionReply = { ack: 1, info: 3, metaContext: 4, firstError: 0x8000_0000 } as const;
/** `NBD_INFO_EXPORT` */
export const infoExport = 0;

export const command = {
  read: 0,
  write: 1,
  disconnect: 2,
  writeZeroes: 6,
  blockStatus: 7,
} as const;
export type Command = (typeof command)[keyof typeof command];

export const chunk = { none: 0, data: 1, hole: 2, blockStatus: 5, firstError: 0x8000 } as const;
/** `NBD_REPLY_FLAG_DONE` */
export const lastChunk = 1;

/** An option as the client sends it. */
export function optionRequest(type: number, data: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64BE(optionMagic, 0);
  head.writeUInt32BE(type, 8);
  head.writeUInt32BE(data.length, 12);
  return Buffer.concat([head, data]);
}

/** A text with its length before it. */
export function lengthAndText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A request as the client sends it, without the data that a write adds. */
export function requestHead(
  type: Command,
  cookie: bigint,
  { offset, length }: { readonly offset: number; readonly length: number },
): Buffer {
  const head = Buffer.alloc(28);
  head.writeUInt32BE(requestMagic, 0);
  head.writeUInt16BE(type, 6);
  head.writeBigUInt64BE(cookie, 8);
  head.writeBigUInt64BE(BigInt(offset), 16);
  head.writeUInt32BE(length, 24);
  return head;
}
