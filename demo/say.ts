const start = performance.now();

/** One line of progress, with the seconds since the start. */
export function say(text: string): void {
  const seconds = ((performance.now() - start) / 1_000).toFixed(1).padStart(5);
  console.log(`${seconds} s  ${text}`);
}
