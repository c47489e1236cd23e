import { VmName } from '../../model/names.ts';
import { UsageError } from '../errors.ts';

/** Checks a VM's name, before anything is made of it. Throws `UsageError`. */
export function vmArgument(given: string): string {
  const name = VmName.safeParse(given);
  if (name.success) return name.data;
  throw new UsageError(
    `${JSON.stringify(given)} is no VM's name: ${name.error.issues[0]?.message ?? ''}.`,
  );
}
