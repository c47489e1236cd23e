import { execa } from 'execa';
import { DiskAccessError } from './errors.ts';

/**
 * Compares what two images read, each with its backing chain, byte for byte by `qemu-img compare`. Says `identical`, or
 * where they first differ. Images that cannot be read: `DiskAccessError`.
 */
export async function compare(restored: string, oracle: string): Promise<string> {
  const args = ['compare', '-U', restored, oracle];
  const { exitCode, stdout, stderr } = await execa('qemu-img', args, { reject: false });
  if (exitCode === 0) return 'identical';
  if (exitCode === 1) return stdout.trim();
  throw new DiskAccessError(`qemu-img compare: ${stderr}`);
}
