import { QmpCommandError } from '../qemu/errors.ts';

/** Lets QEMU refuse a step of a clean-up: what is left is looked at in the end. What is lost or late is no refusal. */
export async function tolerant(command: Promise<unknown>): Promise<void> {
  await command.catch((error: unknown) => {
    if (!(error instanceof QmpCommandError)) throw error;
  });
}
