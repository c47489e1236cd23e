import { Command, CommanderError } from 'commander';
import { RemoteRepository } from '../repository/remote.ts';
import type { Repository } from '../repository/repository.ts';
import { addAnswerCommands } from './commands/answer.ts';
import { addBandwidthCommand } from './commands/bandwidth.ts';
import { addBackupCommand } from './commands/backup.ts';
import { addBackupsCommand } from './commands/backups.ts';
import { addCancelCommand } from './commands/cancel.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addExportCommands } from './commands/export.ts';
import { addRestoreCommand } from './commands/restore.ts';
import { addSnapshotCommand } from './commands/snapshot.ts';
import { addStatusCommand } from './commands/status.ts';
import { addWorkerCommand } from './commands/worker.ts';
import { UsageError } from './errors.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import type { Io } from './io.ts';
import { Printer } from './printer.ts';
import { Session } from './session.ts';

/** What a test gives instead. */
export type RunOptions = { readonly openRepository?: (folder: string) => Repository };

/**
 * Runs one command line (without the program's name) and returns its exit code. Never rejects: what goes wrong is
 * printed, under `--json` as the last line.
 */
export async function run(
  argv: readonly string[],
  io: Io,
  options: RunOptions = {},
): Promise<number> {
  const json = argv.includes('--json');
  const printer = new Printer(io, json);
  const openRepository =
    options.openRepository ?? ((folder: string) => new RemoteRepository(folder));
  const program = newProgram(io, json);
  const config = () => program.opts<{ config?: string }>().config;
  await using session = new Session({ io, printer, openRepository, config });
  for (const add of [
    addWorkerCommand,
    addBackupCommand,
    addSnapshotCommand,
    addBackupsCommand,
    addStatusCommand,
    addCancelCommand,
    addAnswerCommands,
    addBandwidthCommand,
    addExportCommands,
    addRestoreCommand,
    addDoctorCommand,
  ])
    add(program, session);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    const failure = asked(error);
    if (failure === undefined) return exitCodes.done;
    printer.fail(failure);
    return exitCodeOf(failure);
  }
}

function newProgram(io: Io, json: boolean): Command {
  return new Command('stillpoint')
    .description('Durable backups of running QEMU virtual machines, as Temporal workflows.')
    .option('-c, --config <file>', 'the inventory (./stillpoint.yaml, then /etc/stillpoint.yaml)')
    .option('--json', 'print one JSON object per line; the last is `finished` or `failed`')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      // Under --json a mistake in the command line is told as `failed`, like every other.
      writeErr: (text) => void (json || io.stderr.write(text)),
      outputError: () => {},
    })
    .showHelpAfterError(false)
    .exitOverride();
}

/** Turns commander's way to end into ours: undefined when all that was asked for was help. */
function asked(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  if (error.exitCode === 0) return undefined;
  if (error.code === 'commander.help')
    return new UsageError('No command was given. See `stillpoint --help`.');
  const what = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  return new UsageError(`${what.replace(/\.$/, '')}. See \`stillpoint --help\`.`);
}
