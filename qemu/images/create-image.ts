import { imagePath, type ImageFormat } from './image-file.ts';
import { runTool, type ToolLimits } from './run-tool.ts';

/**
 * Creates an empty qcow2 with clusters of 64 KiB. `backing.path` is recorded as it is, relative to the image's
 * folder, and not opened. An image that is there is replaced, so it may run again. Deadline: 30 s.
 */
export async function createImage(
  image: {
    readonly path: string;
    readonly virtualBytes: number;
    readonly backing?: { readonly path: string; readonly format: ImageFormat } | undefined;
  } & ToolLimits,
): Promise<void> {
  const { path, virtualBytes, backing, signal, timeoutMs = 30_000 } = image;
  const onto = backing ? ['-u', '-b', backing.path, '-F', backing.format] : [];
  const options = ['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=65536', ...onto];
  await runTool('qemu-img', [...options, imagePath(path), String(virtualBytes)], {
    signal,
    timeoutMs,
  });
}
