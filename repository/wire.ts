import type { Call } from './calls.ts';
import * as errors from './errors.ts';

/** What the parent process sends to its child: one call. */
export type Request = {
  readonly id: number;
  readonly call: Call;
  readonly folder: string;
  readonly args: object;
};

/** What the child sends: any number of signs of progress, then one answer. */
export type Reply = { readonly id: number } & (
  | { readonly doneBytes: number }
  | { readonly result: unknown }
  | { readonly error: WireError }
);

/** An error on its way between processes. */
export type WireError = {
  readonly name: string;
  readonly message: string;
  readonly facts?: object;
};

type ErrorClass = new (message: string, facts: never) => errors.RepositoryError;
const { RepositoryError, ...classes } = errors;
const byName = new Map<string, ErrorClass>(Object.entries(classes));

/** Makes an error ready for the way. What the file system refused becomes a `RepositoryAccessError`. */
export function packError(folder: string, error: unknown): WireError {
  if (error instanceof RepositoryError) {
    const { name, message, facts } = error;
    return { name, message, facts };
  }
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message } = error;
  if (!('syscall' in error) || !('code' in error)) return { name, message };
  return { name: 'RepositoryAccessError', message, facts: { folder, code: error.code } };
}

/** The error again, of its class. One that is no `RepositoryError` keeps its name alone. */
export function unpackError({ name, message, facts }: WireError): Error {
  const Known = byName.get(name);
  if (Known) return new Known(message, facts as never);
  const error = new Error(message);
  error.name = name;
  return error;
}
