import { z } from 'zod';

/** Every command this project sends to the guest agent, and what it answers. @see qga/qapi-schema.json */
export const agentCommands = {
  'guest-ping': z.object({}),
  'guest-info': z.object({
    version: z.string(),
    /** A frozen agent lists most commands as disabled, freeze itself among them. */
    supported_commands: z.array(z.object({ name: z.string(), enabled: z.boolean() })),
  }),
  /** Those with a device of their own, each mount point of one by itself. A frozen agent refuses it. */
  'guest-get-fsinfo': z.array(z.object({ name: z.string(), mountpoint: z.string() })),
  /** How many file systems it froze. */
  'guest-fsfreeze-freeze': z.int(),
  /** The same; a mount point that is not there, or cannot be frozen, is passed over in silence. */
  'guest-fsfreeze-freeze-list': z.int(),
  /** How many file systems it thawed: 0 when none was frozen. */
  'guest-fsfreeze-thaw': z.int(),
  'guest-fsfreeze-status': z.enum(['frozen', 'thawed']),
} satisfies Record<string, z.ZodType>;

export type AgentCommand = keyof typeof agentCommands;
/** What a command answers. */
export type AgentReturns<C extends AgentCommand> = z.output<(typeof agentCommands)[C]>;

/** A file system of the guest, as its agent tells it. */
export type GuestFileSystem = AgentReturns<'guest-get-fsinfo'>[number];
