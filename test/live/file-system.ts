import { mkdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa, type ExecaError } from 'execa';
import type { TestContext } from 'vitest';
import { makeTempFolder, type TempFolder } from '../../lab/temp-folder.ts';

/** Bytes a second for each device. @see cgroup-v1/blkio-controller */
const writeLimits = '/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device';

/** A file system of its own: small enough to fill, and it can be frozen. Who writes to a frozen one hangs in the kernel, and no signal ends that. */
export class FileSystem implements AsyncDisposable {
  readonly path: string;
  readonly #image: string;
  readonly #temp: TempFolder;
  #frozen = false;
  #slow = false;

  private constructor(path: string, image: string, temp: TempFolder) {
    this.path = path;
    this.#image = image;
    this.#temp = temp;
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
    return new FileSystem(path, image, temp);
  }

  async hang(): Promise<void> {
    await execa('fsfreeze', ['-f', this.path]);
    this.#frozen = true;
  }

  async recover(): Promise<void> {
    if (this.#frozen) await execa('fsfreeze', ['-u', this.path]);
    this.#frozen = false;
    if (this.#slow) await this.#limit(0);
    this.#slow = false;
  }

  /** 0 is no limit. */
  async #limit(bytesPerSecond: number): Promise<void> {
    const { dev } = await stat(this.path);
    await writeFile(writeLimits, `${dev >> 8}:${dev & 0xff} ${bytesPerSecond}`);
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
    // What is left of it is enough for a manifest.
    const rest = ['bs=4k', 'oflag=append', 'conv=notrunc,fsync'];
    if (leftMebibytes === 0)
      await execa('dd', ['if=/dev/zero', `of=${filler}`, ...rest], { reject: false });
    return { free: async () => rm(filler) };
  }

  /** From now on it writes no faster; bytes that wait for it lie in memory. Skips the test where no device can be slowed. */
  async slowDown(context: TestContext, bytesPerSecond: number): Promise<void> {
    const { exitCode } = await execa('test', ['-w', writeLimits], { reject: false });
    context.skip(
      exitCode !== 0,
      'a slow device: the kernel’s control groups have no blkio.throttle',
    );
    await this.#limit(bytesPerSecond);
    this.#slow = true;
  }

  async makeReadOnly(): Promise<void> {
    await execa('mount', ['-o', 'remount,ro', this.path]);
  }

  /** It finds itself damaged, and turns read-only under whoever writes. `repair` makes it as good as new. */
  async fail(): Promise<void> {
    await execa('mount', ['-o', 'remount,errors=remount-ro', this.path]);
    const { stdout } = await execa('findmnt', ['-no', 'SOURCE', this.path]);
    await writeFile(`/sys/fs/ext4/${basename(stdout)}/trigger_fs_error`, '1');
  }

  async repair(): Promise<void> {
    await this.#unmount();
    // 1: errors were found, and are corrected.
    await execa('e2fsck', ['-fy', this.#image]).catch((error: ExecaError) => {
      if (error.exitCode !== 1) throw error;
    });
    await execa('mount', ['-o', 'loop', this.#image, this.path]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recover();
    await this.#unmount();
    await this.#temp[Symbol.asyncDispose]();
  }

  /** What hung on it may need a moment to go. */
  async #unmount(): Promise<void> {
    for (let tries = 200; ; tries--) {
      const { exitCode } = await execa('umount', [this.path], { reject: tries === 0 });
      if (exitCode === 0) return;
      await new Promise((resolve) => void setTimeout(resolve, 50));
    }
  }
}

async function whyNone(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root may mount one';
  const { exitCode } = await execa('losetup', ['-f'], { reject: false });
  return exitCode === 0 ? undefined : 'there is no loop device';
}
