import { run, type RunOptions } from '../../client/run.ts';

/** What one command line did. */
export type CliRun = {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout, read as JSON line by line. */
  readonly messages: () => Record<string, unknown>[];
};

/** Runs a command line in this process. */
export async function runCli(
  argv: readonly string[],
  options: RunOptions & {
    readonly environment?: NodeJS.ProcessEnv;
    readonly interrupted?: AbortSignal;
    readonly isTTY?: boolean;
    /** Called with what is written to stdout, while the command runs. */
    readonly onStdout?: (text: string) => void;
  } = {},
): Promise<CliRun> {
  let [stdout, stderr] = ['', ''];
  const { environment = {}, interrupted = new AbortController().signal, isTTY = false } = options;
  const io = {
    stdout: {
      write: (text: string) => {
        stdout += text;
        options.onStdout?.(text);
      },
    },
    stderr: { write: (text: string) => (stderr += text), isTTY },
    environment,
    interrupted,
  };
  const exitCode = await run(argv, io, options);
  const messages = () =>
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { exitCode, stdout, stderr, messages };
}
