import { execa } from 'execa';

/** Whether the ext4 in a raw image was left clean, as a freeze does it: that of a guest that wrote on is not. */
export async function wasLeftClean(raw: string): Promise<boolean> {
  const { stdout } = await execa('dumpe2fs', ['-h', raw]);
  return !/^Filesystem features:.*needs_recovery/m.test(stdout);
}
