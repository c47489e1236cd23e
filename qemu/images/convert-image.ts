import { ToolError } from '../errors.ts';
import { imageFormat, imagePath, type ImageFile, type ImageFormat } from './image-file.ts';
import { runTool } from './run-tool.ts';

/**
 * Copies what an image reads, with its backing chain, into one new image that depends on nothing. A file at `to` is
 * replaced. The data are written but not flushed to the medium: whoever needs that calls fsync. Fails with `ToolError`
 * when it makes no progress for `stallMs` (default 30 minutes; qemu-img tells progress by whole percents).
 */
export async function convertImage(conversion: {
  readonly from: ImageFile;
  readonly to: string;
  readonly format: ImageFormat;
  readonly onProgress?: ((percent: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly stallMs?: number | undefined;
}): Promise<void> {
  const { from, to, format, onProgress, signal, stallMs = 1_800_000 } = conversion;
  const stalled = new AbortController();
  const stop = () =>
    stalled.abort(new ToolError('qemu-img', `convert: no progress within ${stallMs} ms`));
  const timer = setTimeout(stop, stallMs);
  const onOutput = (text: string) => {
    timer.refresh();
    const percent = /.*\((\d+(?:\.\d+)?)\/100%\)/s.exec(text)?.[1];
    if (percent !== undefined) onProgress?.(Number(percent));
  };
  const options = format === 'qcow2' ? ['-o', 'cluster_size=65536'] : [];
  const formats = ['-f', imageFormat(from), '-O', format, ...options];
  try {
    await runTool('qemu-img', ['convert', '-p', ...formats, imagePath(from), imagePath(to)], {
      timeoutMs: MAX_TIMEOUT_MS,
      signal: signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal,
      onOutput,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** The longest that a timer can wait: the stall is what bounds a copy. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
