import type { VmConfig } from '../../model/vm-config.ts';
import { AgentCommandError, AgentConnectError } from '../../qemu/errors.ts';
import { AgentClient } from '../../qemu/qga/client.ts';
import type { Check } from './check.ts';
import { socketTrouble } from './socket-trouble.ts';

/** A VM's guest agent: does it answer, and is nothing frozen? How bad its silence is, `quiesce` decides. */
export async function examineAgent(config: VmConfig, signal: AbortSignal): Promise<Check[]> {
  const check = 'agent';
  const { agent, quiesce } = config;
  if (quiesce === 'off')
    return [
      { check, state: 'ok', message: 'not needed: quiesce is off, backups are crash-consistent' },
    ];
  const state = quiesce === 'required' ? 'problem' : 'warning';
  const meaning =
    quiesce === 'required'
      ? 'Backups fail without it (quiesce: required).'
      : 'Backups are crash-consistent without it.';
  if (agent === undefined)
    return [{ check, state, message: 'the inventory names no `agent` socket', advice: meaning }];
  try {
    const bound = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
    const client = await AgentClient.connect(agent, bound);
    try {
      const status = await client.freezeStatus(3_000, bound);
      const absent = status === 'thawed' ? await absentMountpoints(client, config, bound) : [];
      if (absent.length > 0)
        return [
          {
            check,
            state,
            message: `the guest has no file system mounted at ${absent.join(', ')}`,
            advice: 'Correct freezeMountpoints.',
          },
        ];
      return [
        status === 'frozen'
          ? {
              check,
              state: 'problem',
              message: `the guest's file systems are frozen, and no backup of ours runs`,
              advice:
                "The host's worker thaws what we froze. If nobody else has: guest-fsfreeze-thaw.",
            }
          : { check, state: 'ok', message: `answers at ${agent}, and can freeze` },
      ];
    } finally {
      client.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    const why =
      error instanceof AgentConnectError
        ? socketTrouble(error, agent).message
        : `${agent}: does not answer`;
    return [
      {
        check,
        state,
        message: why,
        advice: `Is qemu-guest-agent running in the guest? ${meaning}`,
      },
    ];
  }
}

/** What `freezeMountpoints` names and the guest does not have, as far as its agent tells. */
async function absentMountpoints(
  client: AgentClient,
  { freezeMountpoints = [] }: VmConfig,
  signal: AbortSignal,
): Promise<string[]> {
  if (freezeMountpoints.length === 0) return [];
  const known = await client.fileSystems(3_000, signal).catch((error: unknown) => {
    if (error instanceof AgentCommandError) return undefined;
    throw error;
  });
  if (!known) return [];
  return freezeMountpoints.filter((point) => !known.some(({ mountpoint }) => mountpoint === point));
}
