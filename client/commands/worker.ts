import type { Command } from 'commander';
import type { Role } from '../../worker/main.ts';
import { UsageError } from '../errors.ts';
import type { Session } from '../session.ts';

const roles: readonly Role[] = ['control', 'host'];

/** Adds `stillpoint worker`. */
export function addWorkerCommand(program: Command, session: Session): void {
  program
    .command('worker')
    .description('serve backups until SIGINT or SIGTERM')
    .option('--role <roles>', `${roles.join(', ')}, or both with a comma between`, roles.join(','))
    .action(async ({ role }: { role: string }) => {
      const asked = role.split(',').map(roleNamed);
      const { inventory, inventoryPath } = await session.inventory();
      // Says within seconds, and in words, what a worker without its server would say in a stack trace.
      await (await session.temporal()).close();
      // The worker is a native library of 40 MB: no other command waits for it.
      const { runWorker } = await import('../../worker/main.ts');
      await runWorker({ inventory, inventoryPath, roles: [...new Set(asked)] });
      session.print({ type: 'finished', worker: 'stopped' });
    });
}

function roleNamed(given: string): Role {
  const role = roles.find((name) => name === given.trim());
  if (role) return role;
  throw new UsageError(`--role ${given}: a role is control, host, or both: --role control,host`);
}
