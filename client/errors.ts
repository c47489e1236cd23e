/**
 * Errors thrown by `client/`.
 *
 *   ClientError
 *   ├─ TemporalUnreachableError  no Temporal server answers at the address
 *   ├─ TemporalRefusedError      the server answered, and said no: namespace, permission, a wrong request
 *   ├─ BackupRunningError        a backup of this VM runs already
 *   ├─ NoBackupRunningError      there is no backup to answer
 *   ├─ NothingRunningError       there is nothing to cancel
 *   ├─ BackupRefusedError        a running backup refused what it was told; `type` names why
 *   ├─ ExportRunningError        an export of this VM runs already
 *   ├─ NoExportRunningError      there is nothing to complete or discard
 *   ├─ BackupFailedError         the backup or export ended without success; `type` names what failed it
 *   ├─ NoBackupError             the repository holds no backup of this VM
 *   ├─ RestoreTargetError        the folder to restore to cannot be used
 *   ├─ DamagedBackupError        a file of the chain is not what its manifest says
 *   ├─ ProblemsFoundError        doctor found what has to be mended
 *   ├─ PartlyDoneError           some of several things asked for could not be done
 *   ├─ UsageError                the command line or the request makes no sense
 *   └─ InterruptedError          the operator pressed Ctrl-C
 *
 * The class name is the `type` of the last line under `--json`; `exit-codes.ts` gives each its exit code.
 */
export abstract class ClientError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

export class TemporalUnreachableError extends ClientError {}

export class TemporalRefusedError extends ClientError {}

export class BackupRunningError extends ClientError {
  readonly vm: string;
  readonly workflowId: string;

  constructor(vm: string, workflowId: string) {
    super(
      `${vm}: a backup runs already (workflow ${workflowId}). Wait for it, or follow it with \`stillpoint status ${vm}\`.`,
    );
    this.vm = vm;
    this.workflowId = workflowId;
  }
}

export class NoBackupRunningError extends ClientError {
  readonly vm: string;

  constructor(vm: string) {
    super(`${vm}: no backup runs, so there is nothing to answer.`);
    this.vm = vm;
  }
}

export class NothingRunningError extends ClientError {
  readonly vm: string;

  constructor(vm: string) {
    super(`${vm}: nothing runs, so there is nothing to cancel.`);
    this.vm = vm;
  }
}

export class ExportRunningError extends ClientError {
  readonly vm: string;
  readonly workflowId: string;

  constructor(vm: string, workflowId: string) {
    super(
      `${vm}: an export runs already (workflow ${workflowId}). End it: \`stillpoint export-complete ${vm}\` or \`stillpoint export-discard ${vm}\`.`,
    );
    this.vm = vm;
    this.workflowId = workflowId;
  }
}

export class NoExportRunningError extends ClientError {
  readonly vm: string;

  constructor(vm: string) {
    super(`${vm}: no export runs.`);
    this.vm = vm;
  }
}

/** What Temporal tells of a run, and `type`, the class name under which it has recorded that. */
abstract class ToldError extends ClientError {
  readonly vm: string;
  readonly type: string;

  constructor(vm: string, type: string, message: string, options?: ErrorOptions) {
    super(message.startsWith(`${vm}:`) ? message : `${vm}: ${message}`, options);
    this.vm = vm;
    this.type = type;
  }
}

/** `type` is the class name of the error that failed the backup, as Temporal recorded it: `VmBusyError`, `BlockJobError`... */
export class BackupFailedError extends ToldError {}

/** `type` is the class name of what the backup refused with: `NotWaitingError`, `NoSpaceError`... */
export class BackupRefusedError extends ToldError {}

export class NoBackupError extends ClientError {}

export class RestoreTargetError extends ClientError {}

export class DamagedBackupError extends ClientError {}

export class ProblemsFoundError extends ClientError {}

export class PartlyDoneError extends ClientError {}

export class UsageError extends ClientError {}

export class InterruptedError extends ClientError {}
