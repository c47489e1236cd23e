import type { QmpClient } from '../qemu/qmp/client.ts';
import { takesInstant } from './copies-started.ts';
import type { Command, Onlooker } from './relay-qmp.ts';

/**
 * Sees the instants on one QMP connection, and has `take` run while the machine stands still at each: before a `cont` that
 * ends a stop seen on it, and for a transaction that takes the instant of a machine that runs. For that one the machine is
 * stopped by the lab's own monitor until the answer is there, and the client hears nothing of it. `take` must not throw.
 */
export function instantOnlooker(
  machine: { readonly labQmp: QmpClient },
  { take, spell }: { take: () => Promise<void>; spell: (line: string) => string },
): Onlooker {
  let stopped = false;
  /** The commands for which the machine stands still, each with what has to end before it may go on. */
  const held = new Map<Command, Promise<void>>();
  // What QEMU has yet to tell of the lab's own stop.
  const unheard: string[] = [];

  const hold = async (command: Command) => {
    unheard.push('STOP', 'RESUME');
    if (!(await stop(machine.labQmp))) {
      unheard.splice(-2);
      return;
    }
    const taking = take();
    held.set(command, taking);
    void command.hungUp.then(() => letGo(command));
    await taking;
  };
  const letGo = async (command: Command) => {
    const taking = held.get(command);
    held.delete(command);
    if (!taking) return;
    await taking;
    // A QEMU that is gone needs none.
    await machine.labQmp.execute('cont', {}).catch(() => undefined);
  };

  return {
    async before(command) {
      if (stopped && command.name === 'cont') await take();
      if (!stopped && takesInstant(command)) await hold(command);
      return spell(command.line);
    },
    after: letGo,
    mayHearOf(event) {
      if (event === unheard[0]) {
        unheard.shift();
        return false;
      }
      if (event === 'STOP') stopped = true;
      if (event === 'RESUME') stopped = false;
      return true;
    },
  };
}

/** Whether it ran, and was told to stop. */
async function stop(qmp: QmpClient): Promise<boolean> {
  let running = false;
  try {
    ({ running } = await qmp.execute('query-status', {}));
    // It drains and flushes all disks. One that is late comes all the same, so that its `cont` must too.
    if (running) await qmp.execute('stop', {}, { timeoutMs: 60_000 });
  } catch {
    // Or QEMU is gone, and with it the instant.
  }
  return running;
}
