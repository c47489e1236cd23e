import { connect } from 'node:net';
import { join } from 'node:path';
import { listen } from '../../../lab/connections.ts';
import type { Machine } from '../../../lab/machine.ts';
import { splitLines } from '../../../qemu/qmp/transport.ts';

/** A way to a machine's QMP socket that can be cut at any effect. */
export type CuttingTap = AsyncDisposable & {
  /** The socket to give to the product instead of the machine's own. */
  readonly qmpSocket: string;
  /** The commands that QEMU has answered since the last `cutAfter`, less queries. */
  readonly effects: readonly string[];
  /** Cuts the connection when so many have been answered; the last answer is lost. Once: the next connection is whole. */
  cutAfter(effects: number): void;
  /** Runs `work` once, before the next such command reaches QEMU. */
  before(command: string, work: () => Promise<void>): void;
};

const changesNothing = /^(query-|x-debug-query-|qom-get$|qmp_capabilities$)/;

type Line = { readonly execute?: string; readonly id?: string };

/** Passes QMP on, line by line. */
export async function startCuttingTap(machine: Machine): Promise<CuttingTap> {
  const qmpSocket = join(machine.folder, 'cutting.sock');
  let effects: string[] = [];
  let cutAt = Infinity;
  let due: { command: string; work: () => Promise<void> } | undefined;

  const connections = await listen(qmpSocket, (client, own) => {
    const qemu = connect(machine.qmpSocket);
    own.keep(qemu);
    const pair = [client, qemu];
    for (const socket of pair) {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        for (const other of pair) other.destroy();
      });
    }
    const asked = new Map<string, string>();
    const fromClient = async () => {
      for await (const line of splitLines(client.setEncoding('utf8'))) {
        const { execute = '', id = '' } = JSON.parse(line) as Line;
        if (!changesNothing.test(execute)) asked.set(id, execute);
        if (due?.command === execute) {
          const { work } = due;
          due = undefined;
          await work();
        }
        qemu.write(`${line}\n`);
      }
    };
    const fromQemu = async () => {
      for await (const line of splitLines(qemu.setEncoding('utf8'))) {
        const effect = asked.get((JSON.parse(line) as Line).id ?? '');
        if (effect !== undefined) effects.push(effect);
        if (effect !== undefined && effects.length === cutAt) break;
        client.write(`${line}\n`);
      }
      client.destroy();
    };
    // A connection that breaks ends the other one, which says it all.
    for (const way of [fromClient, fromQemu]) void way().catch(() => undefined);
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
