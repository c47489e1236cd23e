/**
 * Errors thrown by `inventory/`. All are permanent: somebody has to edit the file or the request.
 *
 *   InventoryError           the inventory is not there, cannot be read, or is not what the schema asks for
 *   ├─ UnknownVmError        the inventory has no VM of that name
 *   └─ TemporalProfileError  the settings of the Temporal CLI (profile, TLS files) cannot be used
 *
 * Temporal records the class name as the failure `type`, so renaming a class here changes what retry policies
 * match and what operators search for.
 */
export class InventoryError extends Error {
  /** The file, as it was named. */
  readonly file: string;
  /** Where the first mistake is, counted from 1. Undefined when the file could not be read at all. */
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(
    file: string,
    message: string,
    options: ErrorOptions & { line?: number; column?: number } = {},
  ) {
    super(message, options);
    this.file = file;
    this.line = options.line;
    this.column = options.column;
  }

  override get name(): string {
    return this.constructor.name;
  }
}

export class UnknownVmError extends InventoryError {
  readonly vm: string;

  constructor(file: string, vm: string, known: readonly string[]) {
    super(file, `${vm}: ${file} has no VM of that name. ${knownVms(known)}`);
    this.vm = vm;
  }
}

export class TemporalProfileError extends InventoryError {}

/** Names a handful: a fleet's file may have thousands. */
function knownVms(known: readonly string[]): string {
  if (known.length === 0) return 'It has none at all: add it under `vms`.';
  const named = known.toSorted().slice(0, 8).join(', ');
  return known.length > 8
    ? `It has ${known.length}, among them ${named}.`
    : `Those it has: ${named}.`;
}
