/**
 * Errors thrown by `files/`. This file imports nothing, so that workflow code may name its classes.
 *
 *   FilesError
 *   └─ BrokenJsonError   a file is there, but is no JSON: it was not written by `writeDurably`, or the disk lost it
 *
 * What the system refuses (EACCES, ENOSPC, ...) is thrown as Node throws it.
 */
export abstract class FilesError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** A file is there, but is no JSON. */
export class BrokenJsonError extends FilesError {
  readonly path: string;

  constructor(path: string, cause: unknown) {
    super(`${path}: not JSON`, { cause });
    this.path = path;
  }
}
