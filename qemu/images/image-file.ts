import { resolve } from 'node:path';

/** An image: a path stands for a qcow2. The format is never guessed: a raw disk can look like anything its guest likes. */
export type ImageFile = string | { readonly path: string; readonly format: ImageFormat };

export type ImageFormat = 'qcow2' | 'raw';

/** The path as QEMU's tools take it for nothing but a file, never for `json:...` or `nbd:...`. */
export function imagePath(image: ImageFile): string {
  return resolve(typeof image === 'string' ? image : image.path);
}

export function imageFormat(image: ImageFile): ImageFormat {
  return typeof image === 'string' ? 'qcow2' : image.format;
}
