import { z } from 'zod';

/** @see docs/interop/qmp-spec.txt, 2.5 Asynchronous events */
export const EventMessage = z
  .object({
    event: z.string(),
    data: z.record(z.string(), z.unknown()).default({}),
    timestamp: z.object({ seconds: z.int(), microseconds: z.int() }),
  })
  .transform(({ event, data, timestamp }) => ({
    event,
    data,
    timestampMs: timestamp.seconds * 1000 + timestamp.microseconds / 1000,
  }));

/** Something that happened in QEMU. `timestampMs` is QEMU's wall clock, in milliseconds since 1970. */
export type QmpEvent = {
  readonly event: string;
  readonly data: Record<string, unknown>;
  readonly timestampMs: number;
};
