/**
 * Waits for `promise`, at most `timeoutMs` (then rejects with what `late` makes), and no longer than until
 * `signal` aborts (then rejects with its reason). The promise itself goes on; its outcome is then dropped.
 */
export function bounded<T>(
  promise: Promise<T>,
  limits: { timeoutMs: number; signal?: AbortSignal | undefined; late: () => Error },
): Promise<T> {
  const { timeoutMs, signal, late } = limits;
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => settle(() => reject(late())), timeoutMs);
    const abort = () => settle(() => reject(signal?.reason as Error));
    const settle = (outcome: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      outcome();
    };
    promise.then(
      (value) => settle(() => resolve(value)),
      (error: Error) => settle(() => reject(error)),
    );
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
