import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';
import { Tally } from './test/tally.ts';

export default defineConfig({
  test: {
    reporters: ['default', new Tally()],
    teardownTimeout: 60_000,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          pool: 'forks',
          include: ['test/**/*.test.ts'],
          exclude: ['test/live/**'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'live',
          pool: 'forks',
          include: ['test/live/**/*.test.ts'],
          // Real guests and servers, which wait more than they work: three files at a time, once the unit tests are through.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          // `npm run test:crash`, for an hour at most: not a part of `npm test`.
          name: 'crash',
          pool: 'forks',
          include: ['test/live/**/*.campaign.ts'],
          maxWorkers: 2,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
