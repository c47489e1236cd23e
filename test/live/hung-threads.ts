import { execa } from 'execa';

/** How many threads wait in the kernel, out of reach of signals, of the processes that these options of `ps` select. */
export async function hungThreads(...which: readonly string[]): Promise<number> {
  const { stdout } = await execa('ps', ['-L', '-o', 'state=', ...which], { reject: false });
  return stdout.split('\n').filter((state) => state.startsWith('D')).length;
}
