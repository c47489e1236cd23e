import { execa } from 'execa';
import { bounded } from '../bounded.ts';
import { ToolError } from '../errors.ts';

/** When to give up on a tool. Each function says its default deadline. */
export type ToolLimits = {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
};

export type ToolOutput = { stdout: string; stderr: string; exitCode: number };

const MAX_STDERR = 8192;

/**
 * Runs a tool, mostly one of QEMU's, and returns its stdout, when it ends with an exit code in `accept`; else it is a
 * `ToolError`. At the deadline, and when `signal` aborts, the tool is killed and not waited for: on a hung file
 * system not even SIGKILL ends it. `onOutput` takes stdout as it comes, and nothing of it is returned then.
 */
export async function runTool(
  tool: 'qemu-img' | 'qemu-io' | 'fallocate',
  args: readonly string[],
  options: {
    timeoutMs: number;
    signal?: AbortSignal | undefined;
    accept?: readonly number[];
    onOutput?: (text: string) => void;
  },
): Promise<ToolOutput> {
  const { timeoutMs, signal, accept = [0], onOutput } = options;
  signal?.throwIfAborted();
  let stderr = '';
  const child = execa(tool, args, {
    reject: false,
    stdin: 'ignore',
    buffer: { stdout: onOutput === undefined, stderr: false },
  });
  // A broken image can bring forth a line for each of its clusters: only the end is kept.
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MAX_STDERR);
  });
  if (onOutput) child.stdout.setEncoding('utf8').on('data', onOutput);
  const late = () =>
    new ToolError(tool, `${args[0]} did not end within ${timeoutMs} ms`, { stderr });
  const result = await bounded(child, { timeoutMs, signal, late }).catch((error: unknown) => {
    child.kill('SIGKILL');
    // What cannot die must keep neither our process nor its pipes.
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
    throw error;
  });
  const { exitCode } = result;
  if (exitCode !== undefined && accept.includes(exitCode))
    return { stdout: result.stdout ?? '', stderr, exitCode };
  const how =
    exitCode === undefined ? (result.originalMessage ?? 'was ended') : `exit code ${exitCode}`;
  throw new ToolError(tool, `${args[0]}: ${how}`, { exitCode, stderr, cause: result.cause });
}
