import type { Command } from 'commander';
import { BytesPerSecond } from '../../model/choices.ts';
import { Bytes } from '../../model/bytes.ts';
import { UsageError } from '../errors.ts';
import type { Session } from '../session.ts';
import { vmArgument } from './vm-argument.ts';

/** Adds `stillpoint bandwidth VM BYTES`. */
export function addBandwidthCommand(program: Command, session: Session): void {
  program
    .command('bandwidth')
    .argument('<vm>', 'the VM whose backup runs')
    .argument('<bytes>', 'of each disk, per second: 50MiB, or 0 for no limit')
    .description('limit how fast a running backup copies')
    .action(async (given: string, bytes: string) => {
      const vm = vmArgument(given);
      const bytesPerSecond = bytesPerSecondArgument(bytes);
      const client = await session.temporal();
      const { workflowId } = await client.setBandwidth(vm, bytesPerSecond);
      session.print({ type: 'finished', vm, workflowId, bytesPerSecond });
    });
}

/** Reads a speed as the inventory writes it. Throws `UsageError`. */
export function bytesPerSecondArgument(given: string): number {
  const bytes = Bytes.pipe(BytesPerSecond).safeParse(/^\d+$/.test(given) ? Number(given) : given);
  if (bytes.success) return bytes.data;
  throw new UsageError(`${JSON.stringify(given)}: ${bytes.error.issues[0]?.message ?? ''}.`);
}
