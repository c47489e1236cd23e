import { setTimeout as delay } from 'node:timers/promises';
import { AgentCommandError } from '../qemu/errors.ts';
import { AgentClient } from '../qemu/qga/client.ts';

const answerMs = 3_000;
const retryMs = 200;

/**
 * Thaws a guest until its agent says that it is thawed. Harmless when it is not frozen. Gives up after `timeoutMs` and
 * throws what stood in the way last; at once when `giveUp` says that trying on is of no use.
 */
export async function thawGuest(
  agentSocket: string,
  limits: {
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    readonly giveUp: (error: unknown) => boolean;
  },
): Promise<void> {
  const { timeoutMs, signal, giveUp } = limits;
  const until = performance.now() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    try {
      await using agent = await AgentClient.connect(agentSocket, signal);
      await agent.thaw(answerMs, signal).catch((error: unknown) => {
        // What an agent answers to a thaw says less than its state.
        if (!(error instanceof AgentCommandError)) throw error;
      });
      if ((await agent.freezeStatus(answerMs, signal)) === 'thawed') return;
      if (performance.now() >= until) throw new Error('the agent says that it is frozen still');
    } catch (error) {
      if (performance.now() >= until || giveUp(error)) throw error;
    }
    await delay(retryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
