import { z } from 'zod';
import { QmpProtocolError } from '../errors.ts';
import { EventMessage, type QmpEvent } from './events.ts';

/** @see docs/interop/qmp-spec.txt, 2.2 Server Greeting */
const GreetingMessage = z.object({
  QMP: z.object({
    version: z.object({
      qemu: z.object({ major: z.int(), minor: z.int(), micro: z.int() }),
    }),
    capabilities: z.array(z.string()),
  }),
});
export type Greeting = z.infer<typeof GreetingMessage>['QMP'];

/** @see docs/interop/qmp-spec.txt, 2.4 Commands Responses */
const AnswerMessage = z.object({
  id: z.unknown().optional(),
  return: z.unknown().optional(),
  error: z.object({ class: z.string(), desc: z.string() }).optional(),
});
export type Answer = { return?: unknown; error?: { class: string; desc: string } | undefined };

/** What a line of QEMU's says. */
export type Message =
  | { kind: 'greeting'; greeting: Greeting }
  | { kind: 'event'; event: QmpEvent }
  | { kind: 'answer'; id: unknown; answer: Answer };

/** Reads one line. One that is no message of QMP's is a `QmpProtocolError`. */
export function parseMessage(line: string): Message {
  try {
    const json: unknown = JSON.parse(line);
    if (typeof json !== 'object' || json === null) throw new TypeError('not an object');
    if ('QMP' in json) return { kind: 'greeting', greeting: GreetingMessage.parse(json).QMP };
    if ('event' in json) return { kind: 'event', event: EventMessage.parse(json) };
    if (!('return' in json) && !('error' in json)) throw new TypeError('none of the known kinds');
    const { id, ...answer } = AnswerMessage.parse(json);
    return { kind: 'answer', id, answer };
  } catch (cause) {
    throw new QmpProtocolError(`QMP: not a message: ${line.slice(0, 200)}`, { cause });
  }
}
