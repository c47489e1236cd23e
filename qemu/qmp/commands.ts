import { z } from 'zod';
import { TransactionAction } from './actions.ts';
import { BlockdevBackup } from './backup.ts';
import { BitmapAdd, BitmapMerge, BitmapOnNode } from './bitmaps.ts';
import { BlockdevOptions } from './block-nodes.ts';
import {
  BlockExportAdd,
  BlockExportDel,
  NbdServerAdd,
  NbdServerRemove,
  NbdServerStart,
  ObjectAdd,
} from './exports.ts';
import {
  BlockDeviceInfo,
  BlockExportInfo,
  BlockGraph,
  BlockInfo,
  BlockJobInfo,
  BlockStats,
  ChardevInfo,
  IothreadInfo,
  JobInfo,
  Nothing,
  SchemaInfo,
  StatusInfo,
  VersionInfo,
  YankInstanceInfo,
} from './replies.ts';

const None = z.strictObject({});
const JobId = z.strictObject({ id: z.string() });
/** @see qapi/yank.json, YankInstance */
const YankInstance = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('block-node'), 'node-name': z.string() }),
  z.strictObject({ type: z.literal('chardev'), id: z.string() }),
  z.strictObject({ type: z.literal('migration') }),
]);
const Property = z.strictObject({ path: z.string(), property: z.string() });

/**
 * Every QMP command this project sends, spelled as in QEMU's QAPI schema. The client checks arguments and answers
 * against this table, and a live test checks the table against QEMU, so a command missing here can be neither sent
 * nor faked.
 */
export const commands = {
  qmp_capabilities: {
    args: z.strictObject({ enable: z.array(z.literal('oob')).optional() }),
    returns: Nothing,
  },
  'query-version': { args: None, returns: VersionInfo },
  'query-qmp-schema': { args: None, returns: z.array(SchemaInfo) },
  'query-chardev': { args: None, returns: z.array(ChardevInfo) },
  'query-iothreads': { args: None, returns: z.array(IothreadInfo) },

  'query-status': { args: None, returns: StatusInfo },
  stop: { args: None, returns: Nothing },
  cont: { args: None, returns: Nothing },
  system_powerdown: { args: None, returns: Nothing },
  quit: { args: None, returns: Nothing },

  'query-block': { args: None, returns: z.array(BlockInfo) },
  // On 5.2 it kills QEMU while a finished backup job is not dismissed. `flat` leaves out backing images.
  'query-named-block-nodes': {
    args: z.strictObject({ flat: z.boolean().optional() }),
    returns: z.array(BlockDeviceInfo),
  },
  'x-debug-query-block-graph': { args: None, returns: BlockGraph },
  'query-blockstats': {
    args: z.strictObject({ 'query-nodes': z.boolean().optional() }),
    returns: z.array(BlockStats),
  },
  'blockdev-add': { args: BlockdevOptions, returns: Nothing },
  'blockdev-del': { args: z.strictObject({ 'node-name': z.string() }), returns: Nothing },
  block_resize: {
    args: z.strictObject({
      device: z.string().optional(),
      'node-name': z.string().optional(),
      size: z.int(),
    }),
    returns: Nothing,
  },

  'block-dirty-bitmap-add': { args: BitmapAdd, returns: Nothing },
  'block-dirty-bitmap-remove': { args: BitmapOnNode, returns: Nothing },
  'block-dirty-bitmap-clear': { args: BitmapOnNode, returns: Nothing },
  'block-dirty-bitmap-enable': { args: BitmapOnNode, returns: Nothing },
  'block-dirty-bitmap-disable': { args: BitmapOnNode, returns: Nothing },
  'block-dirty-bitmap-merge': { args: BitmapMerge, returns: Nothing },
  transaction: {
    args: z.strictObject({
      actions: z.array(TransactionAction),
      /** The jobs of a group end together: all well, or none. Not beside actions on bitmaps. */
      properties: z.strictObject({ 'completion-mode': z.literal('grouped') }).optional(),
    }),
    returns: Nothing,
  },

  'query-jobs': { args: None, returns: z.array(JobInfo) },
  'query-block-jobs': { args: None, returns: z.array(BlockJobInfo) },
  /** `device` is the job. Bytes per second; 0 is no limit. */
  'block-job-set-speed': {
    args: z.strictObject({ device: z.string(), speed: z.int().min(0) }),
    returns: Nothing,
  },
  'blockdev-backup': { args: BlockdevBackup, returns: Nothing },
  'block-job-pause': { args: z.strictObject({ device: z.string() }), returns: Nothing },
  'block-job-resume': { args: z.strictObject({ device: z.string() }), returns: Nothing },
  'job-cancel': { args: JobId, returns: Nothing },
  'job-complete': { args: JobId, returns: Nothing },
  'job-resume': { args: JobId, returns: Nothing },
  'job-finalize': { args: JobId, returns: Nothing },
  'job-dismiss': { args: JobId, returns: Nothing },

  'nbd-server-start': { args: NbdServerStart, returns: Nothing },
  // Cuts off every client, and takes the exports of others with it.
  'nbd-server-stop': { args: None, returns: Nothing },
  'query-block-exports': { args: None, returns: z.array(BlockExportInfo) },
  'block-export-add': { args: BlockExportAdd, returns: Nothing },
  // The export is gone a moment later.
  'block-export-del': { args: BlockExportDel, returns: Nothing },
  // What exports were below 5.2, where no query shows them.
  'nbd-server-add': { args: NbdServerAdd, returns: Nothing },
  'nbd-server-remove': { args: NbdServerRemove, returns: Nothing },
  'object-add': { args: ObjectAdd, returns: Nothing },
  'object-del': { args: z.strictObject({ id: z.string() }), returns: Nothing },

  'query-yank': { args: None, returns: z.array(YankInstanceInfo) },
  yank: { args: z.strictObject({ instances: z.array(YankInstance) }), returns: Nothing },

  // Setting `drive` to the node that the device already has kills QEMU: look first.
  'qom-set': {
    args: Property.extend({ value: z.union([z.string(), z.number(), z.boolean()]) }),
    returns: Nothing,
  },
  'qom-get': { args: Property, returns: z.unknown() },
  // Beside these a device takes the properties of its driver.
  device_add: {
    args: z.looseObject({
      driver: z.string(),
      id: z.string().optional(),
      bus: z.string().optional(),
    }),
    returns: Nothing,
  },
  device_del: { args: z.strictObject({ id: z.string() }), returns: Nothing },
  // The answer is what HMP prints, also when it fails.
  'human-monitor-command': {
    args: z.strictObject({ 'command-line': z.string() }),
    returns: z.string(),
  },
} satisfies Record<string, { args: z.ZodType; returns: z.ZodType }>;

export type Command = keyof typeof commands;
/** What a command takes. */
export type Args<C extends Command> = z.input<(typeof commands)[C]['args']>;
/** What a command answers, as far as it is read. */
export type Returns<C extends Command> = z.output<(typeof commands)[C]['returns']>;
