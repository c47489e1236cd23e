import { ourName } from '../model/names.ts';
import { QmpCommandError } from '../qemu/errors.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { removeNode } from './block-nodes.ts';
import { NbdListenError, NbdServerBusyError } from './errors.ts';
import { removeProbe, serveProbe } from './exports.ts';
import { tolerant } from './tolerant.ts';

/** Where QEMU's NBD server listens: a unix socket, or a port, there with the folder of its certificates if it has any. */
export type Listen =
  | { readonly path: string }
  | { readonly host: string; readonly port: string; readonly tlsCreds?: string | undefined };

/** What a check of the instant copies: enough to be refused, and the smallest that a node can have. */
export const checkBytes = 512;

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
  const there = await serveProbe(qmp, probe).then(
    () => true,
    (error: unknown) => {
      if (error instanceof QmpCommandError) return false;
      throw error;
    },
  );
  if (there) await removeProbe(qmp, probe);
  await removeNode(qmp, probe);
  return there;
}
