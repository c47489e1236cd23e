import { InventoryError } from '../inventory/errors.ts';
import {
  BackupFailedError,
  BackupRefusedError,
  BackupRunningError,
  ExportRunningError,
  InterruptedError,
  PartlyDoneError,
  UsageError,
} from './errors.ts';

/** What the process ends with. Scripts rely on these, so none changes its meaning. */
export const exitCodes = {
  done: 0,
  failed: 1,
  /** Wrong usage, configuration, VM, name or backup id: nothing was begun. */
  usage: 2,
  /** Of several VMs, some. */
  partly: 3,
  /** Another backup of this VM runs. */
  busy: 4,
  interrupted: 130,
} as const;

/** Failures of a workflow, by the name that Temporal records, which are the asker's or the inventory's mistake, or mean that the VM is busy. */
const codeOfFailure: Record<string, number> = {
  VmBusyError: exitCodes.busy,
  UnknownVmError: exitCodes.usage,
  RequestError: exitCodes.usage,
  BackupNotFoundError: exitCodes.usage,
  WrongVmError: exitCodes.usage,
};

/** The exit code that an error asks for. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof InterruptedError) return exitCodes.interrupted;
  if (error instanceof BackupRunningError || error instanceof ExportRunningError)
    return exitCodes.busy;
  if (error instanceof PartlyDoneError) return exitCodes.partly;
  if (error instanceof UsageError || error instanceof InventoryError) return exitCodes.usage;
  return codeOfFailure[errorType(error)] ?? exitCodes.failed;
}

/** The name of what went wrong: of the error that failed the backup, or that it refused with, else of the error at hand. */
export function errorType(error: unknown): string {
  if (error instanceof BackupFailedError || error instanceof BackupRefusedError) return error.type;
  return error instanceof Error ? error.name : 'Error';
}
