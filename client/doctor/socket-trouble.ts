/** Why a socket of a VM cannot be reached, and what to do: the system says it by its code. */
export function socketTrouble(error: Error, socket: string): { message: string; advice: string } {
  const code = systemCode(error);
  if (code === 'ENOENT')
    return {
      message: `${socket}: there is no such socket`,
      advice: 'Is the VM running, and started with `-qmp unix:PATH,server=on,wait=off`?',
    };
  if (code === 'ECONNREFUSED')
    return {
      message: `${socket}: nobody listens`,
      advice: 'The VM that made this socket is gone, or listens elsewhere. Is the VM running?',
    };
  if (code === 'EACCES' || code === 'EPERM')
    return {
      message: `${socket}: no permission`,
      advice: 'Run as the user who runs the worker, and let that user reach the socket.',
    };
  return { message: error.message, advice: 'Look whether the path is that of a socket.' };
}

function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return (error as NodeJS.ErrnoException).code ?? systemCode(error.cause);
}
