/** Writes one line to the guard's log. */
export type Log = (message: string) => void;

/** A log on stdout, which is `guard.log`. A message that repeats itself is written once, so that the file stays small. */
export function consoleLog(): Log {
  let last = '';
  return (message) => {
    if (message === last) return;
    last = message;
    console.log(`${new Date().toISOString()} ${message}`);
  };
}

/** What an error says, short enough to be passed on. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 500);
}
