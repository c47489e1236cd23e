import { z } from 'zod';

/** The byte that no JSON holds. The agent sends it before the answer to `guest-sync-delimited`; sent to it, it drops what its parser holds. */
export const sentinel = '\xFF';

const AgentMessage = z.object({
  return: z.unknown().optional(),
  error: z.object({ class: z.string(), desc: z.string() }).optional(),
});
export type AgentMessage = z.infer<typeof AgentMessage>;

/** Reads one line, read as latin1, after its last sentinel. Undefined for anything that is no answer: a guest may send all sorts of things. */
export function parseAgentLine(line: string): AgentMessage | undefined {
  try {
    const json: unknown = JSON.parse(line.slice(line.lastIndexOf(sentinel) + 1));
    const isAnswer =
      typeof json === 'object' && json !== null && ('return' in json || 'error' in json);
    return isAnswer ? AgentMessage.safeParse(json).data : undefined;
  } catch {
    return undefined;
  }
}
