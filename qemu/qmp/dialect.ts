import { z } from 'zod';
import { QmpProtocolError } from '../errors.ts';
import { commands, type Args, type Command } from './commands.ts';
import { spellAdd, spellMerge, spellTransaction } from './old-bitmaps.ts';
import type { OldArgs, OldCommand } from './old-commands.ts';
import {
  bitmapsIn,
  graphOf,
  jobsOf,
  withBitmapsInserted,
  withBitmapFields,
} from './old-replies.ts';

/** Sends one command as an old QEMU spells it; resolves with what it returns. */
export type Send = <C extends OldCommand>(command: C, args: OldArgs<C>) => Promise<unknown>;

type Version = { readonly major: number; readonly minor: number };

type Translations = {
  readonly [C in Command]?: (args: Args<C>, send: Send) => Promise<unknown>;
};

/** How a QEMU is spoken to that lacks commands of the table, or spells them otherwise. */
export type Dialect = {
  /** What to send in the place of a command, and what to make of the answer. What is not named here is sent as it is. */
  readonly translations: Translations;
  /** The commands that it has in no spelling. */
  readonly lacks: ReadonlySet<Command>;
};

/** What the table of commands is written for. Commands that came later than 5.2 are known to lack when they are refused. */
export const today: Dialect = { translations: {}, lacks: new Set() };

/**
 * The dialect of a QEMU, by the commands that it has. Only what can be said exactly in an older one is translated; the rest
 * an old QEMU refuses. From 5.2 on nothing is asked.
 */
export async function dialectOf(version: Version, send: Send): Promise<Dialect> {
  const isBelow = (major: number, minor: number) =>
    version.major < major || (version.major === major && version.minor < minor);
  if (!isBelow(5, 2)) return today;
  const reply = Names.safeParse(await send('query-commands', {}));
  if (!reply.success)
    throw new QmpProtocolError('query-commands: unexpected answer', { cause: reply.error });
  const has = new Set(reply.data.map(({ name }) => name));
  const translations: Translations = {
    ...(isBelow(5, 0) ? spelling : {}),
    ...(isBelow(4, 1) ? nodes : {}),
    ...(has.has('x-debug-query-block-graph') ? {} : graph),
    ...(has.has('query-jobs') ? {} : jobs),
    // 3.0 has them too, but not in a transaction.
    ...(has.has('x-block-dirty-bitmap-merge') && !isBelow(3, 1) ? experimental : {}),
  };
  const all = Object.keys(commands) as Command[];
  const lacks = all.filter((name) => !has.has(name) && translations[name] === undefined);
  return { translations, lacks: new Set(lacks) };
}

const Names = z.array(z.object({ name: z.string() }));

/** `flat`, and objects without `props`, are of 5.0. Bitmaps are shown with the node since 4.2, and before that with the device alone. */
const spelling: Translations = {
  'query-named-block-nodes': async (_, send) =>
    withBitmapFields(await send('query-named-block-nodes', {})),
  'query-block': async (_, send) => withBitmapsInserted(await send('query-block', {})),
  'object-add': ({ 'qom-type': type, id, ...props }, send) =>
    send('object-add', { 'qom-type': type, id, props }),
};

/** Below 4.1 nobody knows what a null node reads, so it is for those who do not care. */
const nodes: Translations = {
  'blockdev-add': (args, send) => {
    if (args.driver !== 'null-co') return send('blockdev-add', args);
    const { 'read-zeroes': _, ...others } = args;
    return send('blockdev-add', others);
  },
};

/** Below 4.0. Which node lies below which is not told, and a graph without edges says so. */
const graph: Translations = {
  'x-debug-query-block-graph': async (_, send) =>
    graphOf(await send('query-named-block-nodes', {})),
};

/** Below 3.0, where a job is gone as soon as it has ended, and one that was paused is cancelled by force alone. */
const jobs: Translations = {
  'query-jobs': async (_, send) => jobsOf(await send('query-block-jobs', {})),
  'job-resume': ({ id }, send) => send('block-job-resume', { device: id }),
  'job-cancel': ({ id }, send) => send('block-job-cancel', { device: id, force: true }),
};

/** 3.1: bitmaps that rest and merge are experimental. */
const experimental: Translations = {
  'block-dirty-bitmap-add': (args, send) => send('block-dirty-bitmap-add', spellAdd(args)),
  'block-dirty-bitmap-enable': (args, send) => send('x-block-dirty-bitmap-enable', args),
  'block-dirty-bitmap-disable': (args, send) => send('x-block-dirty-bitmap-disable', args),
  // A merge that ends in the middle leaves the target with less, and its sources as they are: it may be repeated.
  'block-dirty-bitmap-merge': async (args, send) => {
    for (const one of spellMerge(args)) await send('x-block-dirty-bitmap-merge', one);
    return {};
  },
  transaction: async (args, send) => {
    const merges = args.actions.some(({ type }) => type === 'block-dirty-bitmap-merge');
    const seen = merges ? bitmapsIn(await send('query-block', {})) : [];
    return send('transaction', spellTransaction(args, seen));
  },
};
