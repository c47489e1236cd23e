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
  const held = new Set<Command>();
  // What QEMU has yet to tell of the lab's own stop.
  const unheard: string[] = [];

  const hold = async (command: Command) => {
    unheard.push('STOP', 'RESUME');
    if (!(await stop(machine.labQmp))) {
      unheard.splice(-2);
      return;
    }
    held.add(command);
    void command.hungUp.then(() => letGo(command));
    await take();
  };
  const letGo = async (command: Command) => {
    if (!held.delete(command)) return;
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

/** Whether it ran, and now does not. */
async function stop(qmp: QmpClient): Promise<boolean> {
  try {
    const { running } = await qmp.execute('query-status', {});
    if (running) await qmp.execute('stop', {});
    return running;
  } catch {
    // QEMU is gone, and with it the instant.
    return false;
  }
}
