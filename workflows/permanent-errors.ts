import {
  BackupAbortedError,
  ExportExpiredError,
  FreezeFailedError,
  LibvirtManagedError,
  NoOperatorError,
  NoScratchSpaceError,
  NotWaitingError,
  RepositoryReplacedError,
  RequestError,
  SnapshotExistsError,
  WrongVmError,
} from '../activities/errors.ts';
import {
  ExportLostError,
  ForeignJobError,
  NbdListenError,
  NbdServerBusyError,
  NoDiskError,
  ScratchFullError,
  SnapshotBrokenError,
  TargetLostError,
  TargetStalledError,
  UnsupportedQemuError,
  VmChangedError,
} from '../capture/errors.ts';
import { BrokenJsonError } from '../files/errors.ts';
import { GuardLostError, LockLostError, StateError, VmBusyError } from '../host/errors.ts';
import { UnknownVmError } from '../inventory/errors.ts';
import { BlockJobError, QmpBusyError, QmpConnectError, QmpProtocolError } from '../qemu/errors.ts';
import {
  BackupNotFoundError,
  BackupPublishedError,
  NoSpaceError,
  NotARepositoryError,
  RepositoryFormatError,
} from '../repository/errors.ts';

/** Trying the same step again cannot help with these. Temporal matches them by class name. */
export const permanent: string[] = [
  BackupAbortedError,
  BackupNotFoundError,
  // A workflow that was reset must not write a published backup anew.
  BackupPublishedError,
  BlockJobError,
  BrokenJsonError,
  ExportExpiredError,
  ExportLostError,
  ForeignJobError,
  FreezeFailedError,
  GuardLostError,
  LibvirtManagedError,
  LockLostError,
  NbdListenError,
  NbdServerBusyError,
  NoDiskError,
  NoOperatorError,
  NoScratchSpaceError,
  NoSpaceError,
  NotARepositoryError,
  NotWaitingError,
  // QEMU is gone, and with it what the earlier steps put there.
  QmpConnectError,
  QmpProtocolError,
  RepositoryFormatError,
  RepositoryReplacedError,
  RequestError,
  ScratchFullError,
  SnapshotBrokenError,
  SnapshotExistsError,
  StateError,
  TargetLostError,
  TargetStalledError,
  UnknownVmError,
  UnsupportedQemuError,
  VmBusyError,
  VmChangedError,
  WrongVmError,
].map(({ name }) => name);

/** The way forward ends only with these: no later attempt could publish. The workflow then rolls back. */
export const permanentAtTheEnd: string[] = [
  BackupNotFoundError,
  BackupPublishedError,
  LockLostError,
  RequestError,
  // Without the VM in its inventory a host cannot reach it. When it is back, the sweep frees it.
  UnknownVmError,
].map(({ name }) => name);

/** Before anything is begun, also what may pass is told at once: the operator decides when to try again. */
export const permanentWhilePlanning: string[] = [...permanent, QmpBusyError.name];
