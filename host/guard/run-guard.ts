import { setTimeout as delay } from 'node:timers/promises';
import { removeFile } from '../../files/durable.ts';
import { GuardError } from '../errors.ts';
import { readFreezeRecord } from '../freeze-record.ts';
import { abstractName, hold } from '../mutex.ts';
import { statePaths } from '../state-paths.ts';
import { hasStopLease } from '../stop-lease.ts';
import type { GuardConfig } from './config.ts';
import { Custody } from './custody.ts';
import { GuardServer } from './guard-server.ts';
import type { Log } from './log.ts';
import { QmpLink } from './qmp-link.ts';
import { RelayServer } from './relay-server.ts';
import type { Ward } from './release.ts';
import { watchDirectCopy } from './watch-direct-copy.ts';

/** A predecessor that has given everything back is about to go. */
const claimMs = 2_000;

type OnTrouble = (giveUp: (reason: string) => void) => void;

/**
 * Guards one VM; resolves when there is nothing left to guard. `onTrouble` is given what ends the guard early. Throws
 * `GuardError` when another guard of this VM lives, or an earlier lease is not settled.
 */
export async function runGuard(config: GuardConfig, log: Log, onTrouble: OnTrouble): Promise<void> {
  const { vm, stateDir, qmp } = config;
  const paths = statePaths(stateDir);
  const ward: Ward = { config, paths, log, link: new QmpLink(qmp) };
  const limits = {
    signal: AbortSignal.timeout(claimMs + 1_000),
    timeoutMs: claimMs,
    late: () => new GuardError(`${vm}: another guard lives`),
  };
  // One guard for each VM: the name goes with the process, however it ends.
  await hold(await abstractName(paths, vm, ':guard'), limits, () => guardAlone(ward, onTrouble));
}

async function guardAlone(ward: Ward, onTrouble: OnTrouble): Promise<void> {
  const { config, paths, link, log } = ward;
  const { relaySocket, guardSocket } = paths.vm(config.vm);
  await refuseUnsettled(ward);
  // QMP first: what cannot reach its VM must not be asked to guard it.
  await link.client();

  const relay: RelayServer = new RelayServer(link, () => custody.look());
  const custody = new Custody(ward, relay);
  const server = new GuardServer(custody);
  // Before any instant that comes after it: an event passes the answers to a taker by in QEMU's order.
  link.listen(({ event, timestampMs }) => {
    if (event === 'RESET') custody.guestWasReset(timestampMs);
  });
  onTrouble((reason) => void custody.terminate(reason, true));
  await relay.listen(relaySocket);
  await server.listen(guardSocket);
  log(`guards ${config.vm} for backup ${config.backupId} as process ${process.pid}`);

  const over = new AbortController();
  if (config.shield === 'none') {
    const broken = (reason: string) => custody.copyBroke(reason);
    void watchDirectCopy(ward, over.signal, broken).then(() => custody.terminate('QEMU has gone'));
  }
  await custody.done;
  over.abort();
  // What was answered last is written in the next turn.
  await delay(0);
  await server.close();
}

/** The record of a settled lease is of no use to the next one. One that is not settled is not ours to overwrite. */
async function refuseUnsettled({ config, paths }: Ward): Promise<void> {
  const record = await readFreezeRecord(paths, config.vm);
  if ((record && record.state !== 'thawed') || (await hasStopLease(paths, config.vm)))
    throw new GuardError(`${config.vm}: an earlier lease is not settled`);
  await removeFile(paths.vm(config.vm).freeze);
}
