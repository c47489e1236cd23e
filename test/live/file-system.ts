import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { TestContext } from 'vitest';
import { makeTempFolder } from '../../lab/temp-folder.ts';

/** A file system of its own: small enough to fill, and it can be frozen. Who writes to a frozen one hangs in the kernel, and no signal ends that. */
export class FileSystem implements AsyncDisposable {
  readonly path: string;
  readonly #unmounted: () => Promise<void>;
  #frozen = false;

  private constructor(path: string, unmounted: () => Promise<void>) {
    this.path = path;
    this.#unmounted = unmounted;
  }

  /** Skips the test, with the reason, where none can be mounted. */
  static async mount(context: TestContext, mebibytes = 64): Promise<FileSystem> {
    const reason = await whyNone();
    context.skip(reason !== undefined, `a file system of its own: ${reason}`);
    const temp = await makeTempFolder();
    const [image, path] = [join(temp.path, 'fs.img'), join(temp.path, 'fs')];
    await mkdir(path);
    await execa('truncate', ['-s', `${mebibytes}M`, image]);
    await execa('mkfs.ext4', ['-q', '-m', '0', image]);
    await execa('mount', ['-o', 'loop', image, path]);
    return new FileSystem(path, async () => temp[Symbol.asyncDispose]());
  }

  async hang(): Promise<void> {
    await execa('fsfreeze', ['-f', this.path]);
    this.#frozen = true;
  }

  async recover(): Promise<void> {
    if (this.#frozen) await execa('fsfreeze', ['-u', this.path]);
    this.#frozen = false;
  }

  /** Takes all the room but so much; `free` gives it back. */
  async fill(leftMebibytes = 0): Promise<{ free: () => Promise<void> }> {
    const filler = join(this.path, 'filler');
    const { bavail, bsize } = await statfs(this.path);
    const count = Math.floor((bavail * bsize - leftMebibytes * 1024 ** 2) / 65_536) + 1;
    // The last of all room is never to be had whole.
    await execa('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k', `count=${count}`], {
      reject: false,
    });
    return { free: async () => rm(filler) };
  }

  async makeReadOnly(): Promise<void> {
    await execa('mount', ['-o', 'remount,ro', this.path]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recover();
    // What hung on it may need a moment to go.
    for (let tries = 200; ; tries--) {
      const { exitCode } = await execa('umount', [this.path], { reject: tries === 0 });
      if (exitCode === 0) break;
      await new Promise((resolve) => void setTimeout(resolve, 50));
    }
    await this.#unmounted();
  }
}

async function whyNone(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root may mount one';
  const { exitCode } = await execa('losetup', ['-f'], { reject: false });
  return exitCode === 0 ? undefined : 'there is no loop device';
}
