/**
 * Errors thrown by `host/`. This file imports nothing, so that workflow code may name its classes.
 *
 *   HostError
 *   ├─ VmBusyError        another backup of this VM holds its lock (permanent)
 *   ├─ LockLostError      the VM's lock does not name this backup any more (permanent)
 *   ├─ StateError         the state folder cannot be used as it is: an operator has to look (permanent)
 *   ├─ MutexTimeoutError  another attempt works on this VM and did not end in time
 *   ├─ GuardError         the guard cannot be started or reached
 *   ├─ GuardLostError     an unshielded copy has no guard any more, or its guard gave it up (permanent)
 *   ├─ LeaseBrokenError   the freeze or the pause was given up before the instant (start anew)
 *   └─ LeaseStuckError    a dead run's lease cannot be settled yet: the guest may be frozen or paused (tried again)
 *
 * Temporal records the class name as the failure's `type`, so renaming a class here changes what retry
 * policies match and what operators search for.
 */
export abstract class HostError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** `holder` is what the lock says of the backup that runs. */
export class VmBusyError extends HostError {
  readonly holder: { readonly backupId: string; readonly workflowId: string };

  constructor(vm: string, holder: { backupId: string; workflowId: string; acquiredAt: string }) {
    const { backupId, workflowId, acquiredAt } = holder;
    super(
      `${vm}: backup ${backupId} (workflow ${workflowId}) holds the VM since ${acquiredAt}; ` +
        'wait for it, or cancel it',
    );
    this.holder = { backupId, workflowId };
  }
}

export class LockLostError extends HostError {}

export class StateError extends HostError {}

export class MutexTimeoutError extends HostError {}

export class GuardError extends HostError {}

export class GuardLostError extends HostError {}

export class LeaseBrokenError extends HostError {}

export class LeaseStuckError extends HostError {}
