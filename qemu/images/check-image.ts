import { z } from 'zod';
import { imagePath } from './image-file.ts';
import { parseReport } from './image-info.ts';
import { runTool, type ToolLimits } from './run-tool.ts';

/** @see qapi/block-core.json, ImageCheck */
const Report = z.object({
  'check-errors': z.int(),
  corruptions: z.int().default(0),
  leaks: z.int().default(0),
});

/** `qemu-img check` ends with these when it has looked: sound, incomplete, corrupt, leaks. It then prints a report, else none. */
const LOOKED = [0, 1, 2, 3];

/** What a check found. Leaked clusters waste space and harm nothing. */
export type ImageCheck = {
  readonly sound: boolean;
  readonly corruptions: number;
  readonly leaks: number;
};

/** Checks a qcow2's metadata, which nobody may hold open; its backing file must be there. Deadline: 1 hour. */
export async function checkImage(path: string, limits: ToolLimits = {}): Promise<ImageCheck> {
  const { signal, timeoutMs = 3_600_000 } = limits;
  const args = ['check', '--output=json', '-f', 'qcow2', imagePath(path)];
  const output = await runTool('qemu-img', args, { signal, timeoutMs, accept: LOOKED });
  const { corruptions, leaks, 'check-errors': errors } = parseReport(output, Report, 'check');
  return { sound: corruptions === 0 && errors === 0, corruptions, leaks };
}
