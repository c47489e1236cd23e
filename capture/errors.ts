/**
 * Errors thrown by `capture/`.
 *
 *   CaptureError
 *   ├─ UnsupportedQemuError  this QEMU cannot do what is asked (permanent)
 *   ├─ NoDiskError           nothing to back up, or a disk that was named is not there (permanent)
 *   ├─ VmChangedError        the VM is not as it was when the backup was planned (permanent: plan anew)
 *   ├─ ForeignJobError       somebody's block job is at work on a disk, or in the VM (permanent: when it has ended)
 *   ├─ InstantVoidError      the instant does not hold: the VM ran on, or the lease broke (start anew)
 *   ├─ LeftoversError        an earlier attempt of this step left traces (start anew)
 *   ├─ TargetUnusableError   QEMU cannot write to the target through its receiver
 *   ├─ TargetStalledError    the copy made no progress for too long (permanent)
 *   ├─ ScratchFullError      the scratch ran out while the copy waited for an operator (permanent)
 *   ├─ TargetLostError       the copy is through, and its receiver cannot make it durable (permanent)
 *   ├─ NbdServerBusyError    somebody else's NBD server runs in this QEMU, which has only one (permanent)
 *   ├─ NbdListenError        QEMU cannot listen where it should, or not with these certificates (permanent)
 *   ├─ SnapshotBrokenError   the scratch could not keep what the guest overwrote: nothing served is worth anything (permanent)
 *   ├─ ExportLostError       what was served is served no more, and not by us (permanent)
 *   └─ NotFreedError         something of ours is still in the VM (tried again)
 *
 * Temporal records the class name as the failure `type`, so renaming a class here changes what retry policies match
 * and what operators search for.
 */
export abstract class CaptureError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

export class UnsupportedQemuError extends CaptureError {}

export class NoDiskError extends CaptureError {}

export class VmChangedError extends CaptureError {}

export class ForeignJobError extends CaptureError {}

export class InstantVoidError extends CaptureError {}

export class LeftoversError extends CaptureError {}

export class TargetUnusableError extends CaptureError {}

export class TargetStalledError extends CaptureError {}

export class ScratchFullError extends CaptureError {}

export class TargetLostError extends CaptureError {}

export class NbdServerBusyError extends CaptureError {}

export class NbdListenError extends CaptureError {}

export class SnapshotBrokenError extends CaptureError {}

export class ExportLostError extends CaptureError {}

export class NotFreedError extends CaptureError {}
