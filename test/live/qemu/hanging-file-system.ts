import { execa } from 'execa';
import { mkdir } from 'node:fs/promises';
import type { TemporaryFolder } from './temporary-folder.ts';

/** Why a file system cannot be made to hang here; undefined when it can. */
export async function whyNoHanging(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root may mount and freeze a file system';
  const { exitCode } = await execa('losetup', ['-f'], { reject: false });
  return exitCode === 0 ? undefined : 'there is no loop device to mount a file system on';
}

/** A file system of its own that can be frozen: who writes to it then hangs in the kernel, and not even SIGKILL helps. */
export class HangingFileSystem implements AsyncDisposable {
  readonly path: string;
  #frozen = false;

  private constructor(path: string) {
    this.path = path;
  }

  static async mount(folder: TemporaryFolder): Promise<HangingFileSystem> {
    const [image, path] = [folder.at('fs.img'), folder.at('fs')];
    await mkdir(path);
    await execa('truncate', ['-s', '64M', image]);
    await execa('mkfs.ext4', ['-q', image]);
    await execa('mount', ['-o', 'loop', image, path]);
    return new HangingFileSystem(path);
  }

  async hang(): Promise<void> {
    await execa('fsfreeze', ['-f', this.path]);
    this.#frozen = true;
  }

  async recover(): Promise<void> {
    if (this.#frozen) await execa('fsfreeze', ['-u', this.path]);
    this.#frozen = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recover();
    // What hung on it may need a moment to go.
    for (let tries = 100; ; tries--) {
      const { exitCode } = await execa('umount', [this.path], { reject: tries === 0 });
      if (exitCode === 0) return;
      await new Promise((resolve) => void setTimeout(resolve, 50));
    }
  }
}
