import { setTimeout as delay } from 'node:timers/promises';
import { ourName, parseOurName, type Role } from '../model/names.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { NotFreedError } from './errors.ts';
import { BlockGraph } from './graph.ts';
import { tolerant } from './tolerant.ts';
import { isOurs } from './vm-state.ts';

/** An export whose client reads is gone within this time. */
const goneMs = 5_000;

/** Serves an empty node under its own name. */
export async function serveProbe(qmp: QmpClient, probe: string): Promise<void> {
  if (hasExports(qmp)) return addExport(qmp, { id: probe, node: probe, name: probe, bitmap: null });
  await qmp.execute('nbd-server-add', { device: probe, name: probe });
}

export async function removeProbe(qmp: QmpClient, probe: string): Promise<void> {
  if (hasExports(qmp)) return removeExports(qmp);
  await tolerant(qmp.execute('nbd-server-remove', { name: probe, mode: 'hard' }));
}

/** An export to be: of that node, under that name. */
type Export = {
  readonly id: string;
  readonly node: string;
  readonly name: string;
  /** On that node or below it. */
  readonly bitmap: string | { readonly node: string; readonly name: string } | null;
};

/** Serves a node, read-only, with a bitmap. Below QEMU 5.2 no query shows what is served: a node marks it. */
export async function addExport(qmp: QmpClient, { id, node, name, bitmap }: Export): Promise<void> {
  if (hasExports(qmp)) {
    const bitmaps = bitmap === null ? {} : { bitmaps: [bitmap] };
    await qmp.execute('block-export-add', { type: 'nbd', id, 'node-name': node, name, ...bitmaps });
    return;
  }
  await qmp.execute('blockdev-add', { driver: 'null-co', 'node-name': id, size: 512 });
  const found = typeof bitmap === 'string' ? bitmap : bitmap?.name;
  await qmp.execute('nbd-server-add', { device: node, name, bitmap: found });
}

/**
 * Cuts off every client of our exports and takes them away, and with them the server that is ours. May be called again,
 * and does nothing where nothing of it is.
 */
export async function closeNbdServer(
  qmp: QmpClient,
  { graph }: { readonly graph: Pick<BlockGraph, 'nodes'> },
): Promise<void> {
  const [servers, probes] = [nodesFor('n', graph), nodesFor('p', graph)];
  if (servers.length === 0 && probes.length === 0) return;
  if (hasExports(qmp)) await removeExports(qmp);
  else for (const probe of probes) await removeProbe(qmp, probe);
  for (const mark of servers) {
    // Below QEMU 5.2 all that it exports goes with it.
    await tolerant(qmp.execute('nbd-server-stop', {}));
    const creds = ourName(parseOurName(mark)?.backupId ?? '', 0, 'x');
    await tolerant(qmp.execute('object-del', { id: creds }));
    // With its mark gone nobody stops the server of whoever comes next.
    for (const gone of [...nodesFor('e', graph), mark])
      await tolerant(qmp.execute('blockdev-del', { 'node-name': gone }));
  }
}

function nodesFor(role: Role, { nodes }: Pick<BlockGraph, 'nodes'>): string[] {
  return nodes.filter((node) => parseOurName(node)?.role === role);
}

async function readGraph(qmp: QmpClient): Promise<BlockGraph> {
  return new BlockGraph(await qmp.execute('x-debug-query-block-graph', {}));
}

/** The exports of ours that are there. */
export async function ourExports(qmp: QmpClient): Promise<string[]> {
  if (!hasExports(qmp)) return nodesFor('e', await readGraph(qmp));
  return (await qmp.execute('query-block-exports', {})).map(({ id }) => id).filter(isOurs);
}

/** Takes our exports away, whoever reads them, and waits until they are gone. Below QEMU 5.2 the server goes with them. */
export async function removeExports(qmp: QmpClient): Promise<void> {
  if (!hasExports(qmp)) return closeNbdServer(qmp, { graph: await readGraph(qmp) });
  for (const id of await ourExports(qmp))
    await tolerant(qmp.execute('block-export-del', { id, mode: 'hard' }));
  const until = performance.now() + goneMs;
  for (;;) {
    const left = await ourExports(qmp);
    if (left.length === 0) return;
    if (performance.now() > until)
      throw new NotFreedError(`${left.join(', ')}: still exported; trying again`);
    await delay(20);
  }
}

/** Whether exports are commands of their own (5.2). */
function hasExports(qmp: QmpClient): boolean {
  return !qmp.lacks('block-export-add');
}
