import { vi } from 'vitest';

/** Waits until `holds` does not throw, or says true; bounded. For what other processes do in their own time. */
export async function eventually<T>(holds: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(
    async () => {
      const value = await holds();
      if (value === false) throw new Error(`not yet: ${holds.toString()}`);
      return value;
    },
    { timeout: 20_000, interval: 20 },
  );
}
