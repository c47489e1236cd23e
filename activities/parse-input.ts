import { z } from 'zod';
import { RequestError } from './errors.ts';

/** Checks what came over Temporal before anything is done with it; what does not fit is a `RequestError`. */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  what: string,
  input: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new RequestError(`${what}: the input is wrong:\n${z.prettifyError(parsed.error)}`);
}
