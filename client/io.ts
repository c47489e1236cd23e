/** What the command line writes to and hears from. A test gives its own. */
export type Io = {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: NodeJS.ProcessEnv;
  /** Aborts on Ctrl-C. */
  readonly interrupted: AbortSignal;
};

/** A stream of text. `isTTY`: somebody watches, so a line may be rewritten. */
export type Output = { write(text: string): unknown; readonly isTTY?: boolean };
