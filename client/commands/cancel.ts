import type { Command } from 'commander';
import { vmNamed } from '../../inventory/vm-named.ts';
import { NothingRunningError } from '../errors.ts';
import type { Session } from '../session.ts';
import { vmArgument } from './vm-argument.ts';

/** Adds `stillpoint cancel VM`. */
export function addCancelCommand(program: Command, session: Session): void {
  program
    .command('cancel')
    .argument('<vm>', 'the VM whose backup, snapshot or export is to stop')
    .description('stop what runs, and undo it')
    .option('--abandon', "do not wait for a host that is gone: its worker cleans up when it's back")
    .action(async (given: string, { abandon }: { abandon?: true }) => {
      const vm = vmArgument(given);
      const { inventory, inventoryPath } = await session.inventory();
      const client = await session.temporal();
      const cancelled = client.cancelRun(vm, { abandon: abandon ?? false });
      const { workflowId } = await cancelled.catch((error: unknown) => {
        if (error instanceof NothingRunningError) vmNamed(inventory, vm, inventoryPath);
        throw error;
      });
      session.print({
        type: 'finished',
        vm,
        workflowId,
        cancelling: true,
        abandoned: abandon ?? false,
      });
    });
}
