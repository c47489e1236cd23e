import type { Command } from 'commander';
import type { Session } from '../session.ts';
import { vmArgument } from './vm-argument.ts';

/** Adds `stillpoint resume VM` and `stillpoint abort VM`. */
export function addAnswerCommands(program: Command, session: Session): void {
  program
    .command('resume')
    .argument('<vm>', 'the VM whose backup waits for an operator')
    .description('have a backup that waits for an operator try again')
    .option('--force', 'do not look whether the repository has enough room')
    .action(async (given: string, { force }: { force?: true }) => {
      const vm = vmArgument(given);
      const client = await session.temporal();
      const { workflowId } = await client.resumeBackup(vm, { force: force ?? false });
      session.print({ type: 'finished', vm, workflowId, resumed: true });
    });
  program
    .command('abort')
    .argument('<vm>', 'the VM whose backup waits for an operator')
    .description('undo a backup that waits for an operator')
    .action(async (given: string) => {
      const vm = vmArgument(given);
      const client = await session.temporal();
      const { workflowId } = await client.abortBackup(vm);
      session.print({ type: 'finished', vm, workflowId, aborted: true });
    });
}
