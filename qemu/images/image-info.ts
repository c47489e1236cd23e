import { z } from 'zod';
import { ToolError } from '../errors.ts';
import { imageFormat, imagePath, type ImageFile } from './image-file.ts';
import { runTool, type ToolLimits, type ToolOutput } from './run-tool.ts';

/** @see qapi/block-core.json, ImageInfo */
const Report = z.object({
  format: z.string(),
  'virtual-size': z.int(),
  'actual-size': z.int(),
  'cluster-size': z.int().optional(),
  'backing-filename': z.string().optional(),
  'backing-filename-format': z.string().optional(),
  'format-specific': z
    .object({
      data: z.object({
        corrupt: z.boolean().optional(),
        bitmaps: z.array(z.object({ name: z.string(), flags: z.array(z.string()) })).optional(),
      }),
    })
    .optional(),
});

/** What an image says of itself. */
export type ImageInfo = {
  readonly format: string;
  readonly virtualBytes: number;
  /** What it takes on its file system. */
  readonly allocatedBytes: number;
  readonly clusterBytes: number | undefined;
  /** The backing file as recorded, which may be relative to the image's folder. */
  readonly backing: { readonly path: string; readonly format: string | undefined } | undefined;
  readonly corrupt: boolean;
  /** `flags` holds `in-use` when QEMU died before it stored the bitmap. */
  readonly bitmaps: readonly { readonly name: string; readonly flags: readonly string[] }[];
};

/**
 * Reads an image's header, not its backing file. `shared` reads one that a QEMU or a receiver holds open, whose
 * metadata may be in motion. Deadline: 30 s.
 */
export async function imageInfo(
  image: ImageFile,
  options: { readonly shared?: boolean } & ToolLimits = {},
): Promise<ImageInfo> {
  const { shared = false, signal, timeoutMs = 30_000 } = options;
  const share = shared ? ['-U'] : [];
  const args = ['info', '--output=json', '-f', imageFormat(image), ...share, imagePath(image)];
  const output = await runTool('qemu-img', args, { signal, timeoutMs });
  const report = parseReport(output, Report, 'info');
  const path = report['backing-filename'];
  const specific = report['format-specific']?.data;
  return {
    format: report.format,
    virtualBytes: report['virtual-size'],
    allocatedBytes: report['actual-size'],
    clusterBytes: report['cluster-size'],
    backing: path === undefined ? undefined : { path, format: report['backing-filename-format'] },
    corrupt: specific?.corrupt ?? false,
    bitmaps: specific?.bitmaps ?? [],
  };
}

/** Reads what `qemu-img --output=json` prints. Anything else is a `ToolError`. */
export function parseReport<T extends z.ZodType>(
  { stdout, stderr, exitCode }: ToolOutput,
  schema: T,
  subcommand: string,
): z.output<T> {
  try {
    return schema.parse(JSON.parse(stdout));
  } catch (cause) {
    throw new ToolError('qemu-img', `${subcommand}: unexpected output`, {
      exitCode,
      stderr,
      cause,
    });
  }
}
