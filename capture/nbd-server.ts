import { setTimeout as delay } from 'node:timers/promises';
import { ourName, parseOurName } from '../model/names.ts';
import { QmpCommandError } from '../qemu/errors.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { removeNode } from './block-nodes.ts';
import { NbdListenError, NbdServerBusyError, NotFreedError } from './errors.ts';
import { tolerant } from './tolerant.ts';
import { isOurs, type VmState } from './vm-state.ts';

/** Where QEMU's NBD server listens: a unix socket, or a port, there with the folder of its certificates if it has any. */
export type Listen =
  | { readonly path: string }
  | { readonly host: string; readonly port: string; readonly tlsCreds?: string | undefined };

/** What a check of the instant copies: enough to be refused, and the smallest that a node can have. */
export const checkBytes = 512;

/** An export whose client reads is gone within this time. */
const goneMs = 5_000;

/**
 * Starts QEMU's NBD server, of which each QEMU has one: where somebody else's runs, it is left alone
 * (`NbdServerBusyError`). A node marks ours, and goes with QEMU as the server does: so whoever cleans up never stops
 * another's.
 */
export async function startNbdServer(
  qmp: QmpClient,
  backupId: string,
  listen: Listen,
): Promise<void> {
  if (await isServerThere(qmp, backupId))
    throw new NbdServerBusyError(
      'an NBD server runs in this QEMU already, and it is not ours: wait until whoever started it is through, or stop it there',
    );
  const [mark, creds] = [ourName(backupId, 0, 'n'), ourName(backupId, 0, 'x')];
  await qmp.execute('blockdev-add', { driver: 'null-co', 'node-name': mark, size: checkBytes });
  const tlsCreds = 'host' in listen ? listen.tlsCreds : undefined;
  try {
    if (tlsCreds !== undefined)
      await qmp.execute('object-add', {
        'qom-type': 'tls-creds-x509',
        id: creds,
        dir: tlsCreds,
        endpoint: 'server',
        'verify-peer': true,
      });
    await qmp.execute('nbd-server-start', {
      addr:
        'path' in listen
          ? { type: 'unix', data: { path: listen.path } }
          : { type: 'inet', data: { host: listen.host, port: listen.port } },
      ...(tlsCreds === undefined ? {} : { 'tls-creds': creds }),
    });
  } catch (cause) {
    if (!(cause instanceof QmpCommandError)) throw cause;
    // There is no server now, so nothing is stopped by mistake.
    await tolerant(qmp.execute('object-del', { id: creds }));
    await removeNode(qmp, mark);
    const where = 'path' in listen ? listen.path : `${listen.host}:${listen.port}`;
    throw new NbdListenError(
      `${where}: QEMU cannot listen there: ${cause.message}; correct \`exports\` in the inventory, or let QEMU's user reach what it names`,
      { cause },
    );
  }
}

/** QEMU has no query for it: an export of an empty node is taken only while a server runs. */
async function isServerThere(qmp: QmpClient, backupId: string): Promise<boolean> {
  const probe = ourName(backupId, 0, 'p');
  await qmp.execute('blockdev-add', { driver: 'null-co', 'node-name': probe, size: 0 });
  const there = await qmp
    .execute('block-export-add', { type: 'nbd', id: probe, 'node-name': probe, name: probe })
    .then(
      () => true,
      (error: unknown) => {
        if (error instanceof QmpCommandError) return false;
        throw error;
      },
    );
  if (there) await removeExports(qmp);
  await removeNode(qmp, probe);
  return there;
}

/**
 * Cuts off every client of our exports and takes them away, and with them the server that is ours. May be called again,
 * and does nothing where nothing of it is.
 */
export async function closeNbdServer(qmp: QmpClient, { graph }: VmState): Promise<void> {
  const marks = graph.nodes.filter((node) => ['n', 'p'].includes(parseOurName(node)?.role ?? ''));
  if (marks.length === 0) return;
  await removeExports(qmp);
  for (const mark of marks) {
    const { backupId, role } = parseOurName(mark) ?? {};
    if (backupId === undefined || role !== 'n') continue;
    await tolerant(qmp.execute('nbd-server-stop', {}));
    await tolerant(qmp.execute('object-del', { id: ourName(backupId, 0, 'x') }));
    // With its mark gone nobody stops the server of whoever comes next.
    await tolerant(qmp.execute('blockdev-del', { 'node-name': mark }));
  }
}

/** The exports of ours that are there. They are no commands of their own before 5.2, and there are none of ours. */
export async function ourExports(qmp: QmpClient): Promise<string[]> {
  if (!hasExports(qmp)) return [];
  return (await qmp.execute('query-block-exports', {})).map(({ id }) => id).filter(isOurs);
}

/** Takes our exports away, whoever reads them, and waits until they are gone. */
export async function removeExports(qmp: QmpClient): Promise<void> {
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

function hasExports({ version: { major, minor } }: QmpClient): boolean {
  return major > 5 || (major === 5 && minor >= 2);
}
