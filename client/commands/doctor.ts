import { hostname } from 'node:os';
import type { Command } from 'commander';
import { vmNamed } from '../../inventory/vm-named.ts';
import type { VmConfig } from '../../model/vm-config.ts';
import type { Check } from '../doctor/check.ts';
import { examineState, examineTools } from '../doctor/examine-host.ts';
import { examineRepository } from '../doctor/examine-repository.ts';
import { examineTemporal } from '../doctor/examine-temporal.ts';
import { examineVm } from '../doctor/examine-vm.ts';
import { ProblemsFoundError } from '../errors.ts';
import type { LoadedInventory, Session } from '../session.ts';
import { vmArgument } from './vm-argument.ts';

/** Adds `stillpoint doctor [VM]`. */
export function addDoctorCommand(program: Command, session: Session): void {
  program
    .command('doctor')
    .argument('[vm]', 'only this VM')
    .description('what this host can and cannot do, and why')
    .action(async (vm?: string) => {
      const loaded = await session.inventory();
      const chosen = vm === undefined ? Object.keys(loaded.inventory.vms) : [vmArgument(vm)];
      const found = { problem: 0, warning: 0, ok: 0 };
      for await (const check of examine(session, loaded, chosen)) {
        found[check.state] += 1;
        session.print({ type: 'check', ...check });
      }
      if (found.problem > 0)
        throw new ProblemsFoundError(
          `${found.problem === 1 ? 'One thing has' : `${found.problem} things have`} to be mended; each line marked "problem" says how.`,
        );
      session.print({ type: 'finished', problems: 0, warnings: found.warning });
    });
}

/** Looks at one thing after another: none may disturb a VM that is being backed up. */
async function* examine(
  session: Session,
  { inventory, inventoryPath }: LoadedInventory,
  names: readonly string[],
): AsyncGenerator<Check> {
  const vms = names.map((name) => vmNamed(inventory, name, inventoryPath));
  const here = inventory.host ?? hostname();
  const ours = vms.filter(({ host }) => host === here);
  const signal = session.io.interrupted;
  yield { check: 'inventory', state: 'ok', message: `${inventoryPath}: VMs: ${vms.length}` };
  const hosts = [...new Set(vms.map(({ host }) => host))];
  const { checks, busy } = await examineTemporal(() => session.temporal(), hosts);
  yield* checks;
  yield* await examineTools();
  yield* await examineState(inventory.state, ours);
  for (const folder of new Set(ours.map(({ repository }) => repository)))
    yield* await examineRepository(session.repository(folder), signal);
  for (const config of vms) {
    session.throwIfInterrupted('Interrupted.');
    yield* await examineOne(config, here, busy, signal);
  }
}

async function examineOne(
  config: VmConfig,
  here: string,
  busy: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Check[]> {
  const { vm, host } = config;
  if (host !== here)
    return [
      {
        vm,
        check: 'host',
        state: 'warning',
        message: `runs on ${host}, and this is ${here}`,
        advice: `Run doctor on ${host} too.`,
      },
    ];
  // Its sockets serve one client, and that is the backup now.
  if (busy.has(vm))
    return [{ vm, check: 'qmp', state: 'ok', message: 'a backup runs: left alone' }];
  return examineVm(config, signal);
}
