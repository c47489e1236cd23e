import { imageFormat, imagePath, type ImageFile } from './image-file.ts';
import { runTool, type ToolLimits } from './run-tool.ts';

/** Whether two images, each with its backing chain, read the same. One that is longer may end in zeroes. Deadline: 1 hour. */
export async function compareImages(
  a: ImageFile,
  b: ImageFile,
  limits: ToolLimits = {},
): Promise<boolean> {
  const { signal, timeoutMs = 3_600_000 } = limits;
  const formats = ['-f', imageFormat(a), '-F', imageFormat(b)];
  const args = ['compare', '-q', ...formats, imagePath(a), imagePath(b)];
  const { exitCode } = await runTool('qemu-img', args, { signal, timeoutMs, accept: [0, 1] });
  return exitCode === 0;
}
