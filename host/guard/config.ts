import { z } from 'zod';
import { writeDurably, readJsonFile } from '../../files/durable.ts';
import { Shield } from '../../model/choices.ts';
import { AbsolutePath, BackupId, MountPoint, VmName } from '../../model/names.ts';
import { StateError } from '../errors.ts';

/** `guard.json`: all that a guard has to know, and all that is needed to settle its lease when it has died. */
export const GuardConfig = z.strictObject({
  vm: VmName,
  backupId: BackupId,
  qmp: AbsolutePath.describe('The QMP socket of the VM itself.'),
  agent: AbsolutePath.exactOptional().describe('The socket of the guest agent.'),
  freezeMountpoints: z
    .array(MountPoint)
    .exactOptional()
    .describe('What alone is to be frozen. Left out: all file systems.'),
  shield: Shield,
  maxFreezeSeconds: z.int().min(1).max(60),
  stateDir: AbsolutePath,
  disks: z
    .array(z.strictObject({ index: z.int().min(0).max(99), virtualBytes: z.int().min(1) }))
    .describe('What the receivers of this backup hold.'),
});
export type GuardConfig = z.infer<typeof GuardConfig>;

/** On disk when this resolves. */
export async function writeGuardConfig(path: string, config: GuardConfig): Promise<void> {
  await writeDurably(path, JSON.stringify(GuardConfig.parse(config)));
}

/** What a guard was started with, or undefined when there is no such file. Throws `StateError` when it is damaged. */
export async function readGuardConfig(path: string): Promise<GuardConfig | undefined> {
  const content = await readJsonFile(path);
  if (content === undefined) return undefined;
  const config = GuardConfig.safeParse(content);
  if (config.success) return config.data;
  throw new StateError(`${path}: not a guard's configuration: ${z.prettifyError(config.error)}`);
}
