/**
 * Errors thrown by `activities/` themselves, all permanent: what is wrong is outside of the backup.
 *
 *   BackupError
 *   ├─ RequestError         the input of a workflow or activity is not what its schema asks for
 *   ├─ LibvirtManagedError  libvirt manages the VM, and the inventory does not allow us beside it
 *   ├─ FreezeFailedError    the guest was not frozen although `quiesce: required`
 *   ├─ NoScratchSpaceError  the host has no room for the scratch
 *   ├─ RepositoryReplacedError  the folder holds another repository than before
 *   ├─ ExportExpiredError   nobody completed or discarded the export in time
 *   ├─ SnapshotExistsError  an overlay lies where a snapshot's is to be made
 *   ├─ WrongVmError         the machine behind the socket is another VM of this host
 *   ├─ BackupAbortedError   an operator said that a backup which waited for one is to be undone
 *   ├─ NoOperatorError      no operator said in time what is to become of it
 *   └─ NotWaitingError      an operator answered a backup that does not wait for one
 *
 * Temporal records the class name as the failure `type`, so renaming a class here changes what retry policies match
 * and what operators search for.
 */
export abstract class BackupError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

export class RequestError extends BackupError {}

export class LibvirtManagedError extends BackupError {}

export class FreezeFailedError extends BackupError {}

export class NoScratchSpaceError extends BackupError {}

export class RepositoryReplacedError extends BackupError {}

export class ExportExpiredError extends BackupError {}

export class SnapshotExistsError extends BackupError {}

export class WrongVmError extends BackupError {}

export class BackupAbortedError extends BackupError {}

export class NoOperatorError extends BackupError {}

export class NotWaitingError extends BackupError {}
