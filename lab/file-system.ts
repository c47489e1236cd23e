import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { makeTempFolder, type TempFolder } from './temp-folder.ts';

const kib64 = 65_536;

/** A file system of its own on a loop device: it can be filled, and hung in the kernel, where no signal gets. */
export class FileSystem implements AsyncDisposable {
  readonly path: string;
  readonly #temp: TempFolder;
  #hung = false;

  private constructor(temp: TempFolder, path: string) {
    this.#temp = temp;
    this.path = path;
  }

  /** Why none can be mounted here; undefined when one can. */
  static async whyNone(): Promise<string | undefined> {
    if (process.getuid?.() !== 0) return 'only root may mount one';
    const { exitCode } = await execa('losetup', ['-f'], { reject: false });
    return exitCode === 0 ? undefined : 'there is no loop device';
  }

  static async mount(mebibytes: number): Promise<FileSystem> {
    const temp = await makeTempFolder();
    const [image, path] = [join(temp.path, 'fs.img'), join(temp.path, 'fs')];
    await mkdir(path);
    await execa('truncate', ['-s', `${mebibytes}M`, image]);
    await execa('mkfs.ext4', ['-q', '-m', '0', image]);
    await execa('mount', ['-o', 'loop', image, path]);
    return new FileSystem(temp, path);
  }

  /** Who writes to it waits in the kernel, until `recover`. */
  async hang(): Promise<void> {
    await execa('fsfreeze', ['-f', this.path]);
    this.#hung = true;
  }

  async recover(): Promise<void> {
    if (this.#hung) await execa('fsfreeze', ['-u', this.path]);
    this.#hung = false;
  }

  /** Takes all the room, until `free`. */
  async fill(): Promise<void> {
    // Ever smaller pieces, for the last of all room is not to be had whole.
    for (let count = 0, size = Infinity; size > kib64; count++) {
      const { bavail, bsize } = await statfs(this.path);
      size = Math.min(bavail * bsize, size / 2);
      const piece = join(this.path, `filler-${count}`);
      await execa('fallocate', ['-l', String(Math.max(kib64, Math.floor(size))), piece], {
        reject: false,
      });
    }
  }

  async free(): Promise<void> {
    await execa('find', [this.path, '-maxdepth', '1', '-name', 'filler-*', '-delete']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recover();
    // What hung on it may need a moment to go.
    for (let tries = 200; ; tries--) {
      const { exitCode } = await execa('umount', [this.path], { reject: tries === 0 });
      if (exitCode === 0) break;
      await new Promise((resolve) => void setTimeout(resolve, 50));
    }
    await this.#temp[Symbol.asyncDispose]();
  }
}
