/**
 * Errors thrown by `repository/`. This file imports nothing, so that workflow code may name its classes.
 *
 *   RepositoryError
 *   ├─ RepositoryUnreachableError  no answer in time: what was asked may have happened. May pass
 *   ├─ RepositoryAccessError       the system refused, with its code (EACCES, EROFS, ENOSPC, EIO, ...). May pass
 *   ├─ NoSpaceError                less is free than is needed. May pass
 *   ├─ NotARepositoryError         the folder is missing or is something else
 *   ├─ RepositoryFormatError       a file or folder in it is not as it must be, or of a newer format
 *   ├─ BackupNotFoundError         no such backup is published, or not with that disk, or nothing is there to publish
 *   ├─ BackupPublishedError        that id is published already, with another instant
 *   ├─ BackupNeededError           others build on the backup, so it stays
 *   └─ DigestError                 a file is not what was published
 *
 * `facts` holds what the message says as data. All classes have one constructor, so that an error crosses the
 * boundary of a process whole. Temporal records the class name as the failure's `type`, so renaming a class here
 * changes what retry policies match and what operators search for.
 */
export abstract class RepositoryError<Facts extends object = object> extends Error {
  readonly facts: Facts;

  constructor(message: string, facts: Facts, options?: ErrorOptions) {
    super(message, options);
    this.facts = facts;
  }

  override get name(): string {
    return this.constructor.name;
  }
}

export class RepositoryUnreachableError extends RepositoryError<{ folder: string }> {}

export class RepositoryAccessError extends RepositoryError<{ folder: string; code: string }> {}

export class NoSpaceError extends RepositoryError<{
  folder: string;
  neededBytes: number;
  freeBytes: number;
}> {}

export class NotARepositoryError extends RepositoryError<{ folder: string }> {}

export class RepositoryFormatError extends RepositoryError<{ file: string }> {}

export class BackupNotFoundError extends RepositoryError<{ vm: string; backupId: string }> {}

export class BackupPublishedError extends RepositoryError<{ vm: string; backupId: string }> {}

export class BackupNeededError extends RepositoryError<{
  vm: string;
  backupId: string;
  neededBy: readonly string[];
}> {}

export class DigestError extends RepositoryError<{ file: string }> {}
