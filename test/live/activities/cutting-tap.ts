import { connect } from 'node:net';
import { join } from 'node:path';
import { listen } from '../../../lab/connections.ts';
import type { Machine } from '../../../lab/machine.ts';
import { relayQmp, type Command } from '../../../lab/relay-qmp.ts';

/** A way to a machine's QMP socket that can be cut at any effect. */
export type CuttingTap = AsyncDisposable & {
  /** The socket to give to the product instead of the machine's own. */
  readonly qmpSocket: string;
  /** The commands that QEMU has answered since the last `cutAfter`, less queries. */
  readonly effects: readonly string[];
  /** Cuts the connection when so many have been answered; the last answer is lost. Once: the next connection is whole. */
  cutAfter(effects: number): void;
  /** Runs `work` once, before the next such command reaches QEMU. A `work` that throws cuts the connection. */
  before(command: string, work: () => Promise<void>): void;
};

const changesNothing = /^(query-|debug-query-|qom-get$|qmp_capabilities$)/;

/** The name of today: an old QEMU has some of them as experimental. */
const nameOf = ({ name }: Command) => name.replace(/^x-/, '');

/** Passes QMP on, line by line. */
export async function startCuttingTap(machine: Machine): Promise<CuttingTap> {
  const qmpSocket = join(machine.folder, 'cutting.sock');
  let effects: string[] = [];
  let cutAt = Infinity;
  let due: { command: string; work: () => Promise<void> } | undefined;

  const connections = await listen(qmpSocket, (client, own) => {
    const qemu = connect(machine.qmpSocket);
    own.keep(qemu);
    // Whatever ends one ends the other at once.
    for (const [one, other] of [
      [client, qemu],
      [qemu, client],
    ] as const)
      one.on('close', () => other.destroy());
    relayQmp(client, qemu, {
      async before(command) {
        if (due?.command !== nameOf(command)) return command.line;
        const { work } = due;
        due = undefined;
        await work();
        return command.line;
      },
      async after(command) {
        if (changesNothing.test(nameOf(command))) return;
        effects.push(nameOf(command));
        if (effects.length === cutAt) client.destroy();
      },
    });
  });
  return {
    qmpSocket,
    get effects() {
      return effects;
    },
    cutAfter(count) {
      effects = [];
      cutAt = count;
    },
    before(command, work) {
      due = { command, work };
    },
    [Symbol.asyncDispose]: async () => connections[Symbol.asyncDispose](),
  };
}
