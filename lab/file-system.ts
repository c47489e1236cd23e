import { access, constants, mkdir, stat, statfs, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa, type ExecaError } from 'execa';
import { makeTempFolder, type TempFolder } from './temp-folder.ts';

const kib64 = 65_536;
/** Bytes a second for each device. @see cgroup-v1/blkio-controller */
const writeLimits = '/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device';

/** A file system of its own on a loop device: it can be filled, slowed, broken, and hung in the kernel, where no signal gets. */
export class FileSystem implements AsyncDisposable {
  readonly path: string;
  readonly #image: string;
  readonly #temp: TempFolder;
  #hung = false;
  #slow = false;

  private constructor(path: string, image: string, temp: TempFolder) {
    this.path = path;
    this.#image = image;
    this.#temp = temp;
  }

  /** Why none can be mounted here; undefined when one can. */
  static async whyNone(): Promise<string | undefined> {
    if (process.getuid?.() !== 0) return 'only root may mount one';
    const { exitCode } = await execa('losetup', ['-f'], { reject: false });
    return exitCode === 0 ? undefined : 'there is no loop device';
  }

  /** Why none can be slowed here; undefined when one can. */
  static async whyNotSlow(): Promise<string | undefined> {
    return access(writeLimits, constants.W_OK).then(
      () => undefined,
      () => 'the kernel’s control groups have no blkio.throttle',
    );
  }

  static async mount(mebibytes: number): Promise<FileSystem> {
    const temp = await makeTempFolder();
    const [image, path] = [join(temp.path, 'fs.img'), join(temp.path, 'fs')];
    await mkdir(path);
    await execa('truncate', ['-s', `${mebibytes}M`, image]);
    await execa('mkfs.ext4', ['-q', '-m', '0', image]);
    await execa('mount', ['-o', 'loop', image, path]);
    return new FileSystem(path, image, temp);
  }

  /** Who writes to it waits in the kernel, until `recover`. */
  async hang(): Promise<void> {
    await execa('fsfreeze', ['-f', this.path]);
    this.#hung = true;
  }

  /** From now on it writes no faster, until `recover`; bytes that wait for it lie in memory. */
  async slowDown(bytesPerSecond: number): Promise<void> {
    await this.#limit(bytesPerSecond);
    this.#slow = true;
  }

  /** Ends `hang` and `slowDown`. */
  async recover(): Promise<void> {
    if (this.#hung) await execa('fsfreeze', ['-u', this.path]);
    this.#hung = false;
    if (this.#slow) await this.#limit(0);
    this.#slow = false;
  }

  /** Takes all the room but so much, until `free`. */
  async fill(leftMebibytes = 0): Promise<void> {
    // Ever smaller pieces, for the last of all room is not to be had whole.
    for (let count = 0, size = Infinity; size > kib64; count++) {
      const { bavail, bsize } = await statfs(this.path);
      size = Math.min(bavail * bsize - leftMebibytes * 1024 ** 2, size / 2);
      const piece = join(this.path, `filler-${count}`);
      await execa('fallocate', ['-l', String(Math.max(kib64, Math.floor(size))), piece], {
        reject: false,
      });
    }
    if (leftMebibytes > 0) return;
    // What is left of it is enough for a manifest.
    const rest = join(this.path, 'filler-rest');
    await execa('dd', ['if=/dev/zero', `of=${rest}`, 'bs=4k', 'conv=fsync'], { reject: false });
  }

  async free(): Promise<void> {
    await execa('find', [this.path, '-maxdepth', '1', '-name', 'filler-*', '-delete']);
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

  /** 0 is no limit. */
  async #limit(bytesPerSecond: number): Promise<void> {
    const { dev } = await stat(this.path);
    await writeFile(writeLimits, `${dev >> 8}:${dev & 0xff} ${bytesPerSecond}`);
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
