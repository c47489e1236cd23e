/** Throws what failed first, once all have ended: none works on behind the back of whoever cleans up. */
export async function allDone(begun: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(begun)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
