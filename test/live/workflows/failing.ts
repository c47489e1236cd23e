/** What fails some times before it goes well. */
export function failing(times: number, error: Error): () => Promise<undefined> {
  let left = times;
  return async () => {
    if (left-- > 0) throw error;
    return undefined;
  };
}
