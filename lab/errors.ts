/**
 * Errors thrown by `lab/`.
 *
 *   LabError
 *   ├─ SetupMissingError   `npm run setup` has not been run, or what it brought is gone
 *   ├─ StartError          a program ended or stayed mute before it was ready; the message has the end of its log
 *   ├─ GuestCommandError   a command in the guest failed, or did not end in time
 *   └─ DiskAccessError     the lab's own access to a disk failed
 */
export abstract class LabError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

export class SetupMissingError extends LabError {}

export class StartError extends LabError {}

/** `exitCode` is missing when the command did not end in time. */
export class GuestCommandError extends LabError {
  readonly exitCode: number | undefined;

  constructor(command: string, what: string, exitCode?: number) {
    super(`guest: ${command}: ${what}`);
    this.exitCode = exitCode;
  }
}

export class DiskAccessError extends LabError {}
