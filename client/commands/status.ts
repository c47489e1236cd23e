import type { Command } from 'commander';
import { vmNamed } from '../../inventory/vm-named.ts';
import type { Session } from '../session.ts';
import { vmArgument } from './vm-argument.ts';

/** Adds `stillpoint status [VM]`. */
export function addStatusCommand(program: Command, session: Session): void {
  program
    .command('status')
    .argument('[vm]', 'only this VM, also when nothing runs')
    .description('what runs, and how far')
    .action((vm?: string) =>
      vm === undefined ? statusOfAll(session) : statusOfOne(session, vmArgument(vm)),
    );
}

async function statusOfAll(session: Session): Promise<void> {
  const client = await session.temporal();
  const statuses = await client.listRunning();
  for (const status of statuses) session.print({ type: 'status', ...status });
  session.print({ type: 'finished', running: statuses.length });
}

async function statusOfOne(session: Session, vm: string): Promise<void> {
  const client = await session.temporal();
  const status = await client.getStatus(vm);
  if (status) session.print({ type: 'status', ...status });
  else {
    const { inventory, inventoryPath } = await session.inventory();
    vmNamed(inventory, vm, inventoryPath);
    session.print({ type: 'note', message: `${vm}: Temporal knows of no run of this VM.` });
  }
  session.print({ type: 'finished', running: status?.state === 'running' ? 1 : 0 });
}
