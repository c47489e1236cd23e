import { rename, rm, truncate, writeFile } from 'node:fs/promises';
import { execa } from 'execa';

export type DiskFormat = 'qcow2' | 'raw';

/**
 * Makes a disk image: empty, or with an ext4 of that label, which the guest mounts at `/mnt/<label>` when the label
 * begins with `sp-`. Needs no root and no mount.
 */
export async function makeDiskImage(image: {
  readonly path: string;
  readonly format: DiskFormat;
  readonly virtualBytes: number;
  readonly label?: string | undefined;
}): Promise<void> {
  const { path, format, virtualBytes, label } = image;
  const raw = `${path}.raw`;
  await writeFile(raw, '');
  await truncate(raw, virtualBytes);
  if (label !== undefined)
    await execa('mkfs.ext4', ['-q', '-L', label, raw], { env: { PATH: withSystemTools() } });
  if (format === 'raw') return rename(raw, path);
  await execa('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, path]);
  await rm(raw);
}

/** mkfs lies where only root looks. */
function withSystemTools(): string {
  return `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
}
