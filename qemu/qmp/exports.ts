import { z } from 'zod';
import { BitmapOnNode } from './bitmaps.ts';

// What QEMU's own NBD server takes.

/** @see qapi/block-export.json, NbdServerOptionsLegacy; qapi/sockets.json, SocketAddressLegacy */
export const NbdServerStart = z.strictObject({
  addr: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('unix'), data: z.strictObject({ path: z.string() }) }),
    z.strictObject({
      type: z.literal('inet'),
      data: z.strictObject({ host: z.string(), port: z.string() }),
    }),
  ]),
  /** The id of a `tls-creds-x509` object: who has no certificate of its authority is turned away. */
  'tls-creds': z.string().optional(),
});

/** Each bitmap is offered as `qemu:dirty-bitmap:<name>`. @see qapi/block-export.json, BlockExportOptionsNbd */
export const BlockExportAdd = z.strictObject({
  type: z.literal('nbd'),
  id: z.string(),
  'node-name': z.string(),
  name: z.string(),
  /** A name alone is looked for from the node on downwards. */
  bitmaps: z.array(z.union([z.string(), BitmapOnNode])).optional(),
});

/** `hard` cuts the clients off. @see qapi/block-export.json, block-export-del */
export const BlockExportDel = z.strictObject({
  id: z.string(),
  mode: z.enum(['safe', 'hard']).optional(),
});

/** A bitmap is looked for from the device on downwards. @see qapi/block-export.json, NbdServerAddOptions */
export const NbdServerAdd = z.strictObject({
  /** Its node. */
  device: z.string(),
  name: z.string(),
  bitmap: z.string().optional(),
});

/** @see qapi/block-export.json, nbd-server-remove */
export const NbdServerRemove = z.strictObject({
  name: z.string(),
  mode: z.enum(['safe', 'hard']).optional(),
});

/** @see qapi/crypto.json, TlsCredsX509Properties */
export const ObjectAdd = z.strictObject({
  'qom-type': z.literal('tls-creds-x509'),
  id: z.string(),
  dir: z.string(),
  endpoint: z.literal('server'),
  'verify-peer': z.boolean(),
});
