import { defineConfig } from 'vitest/config';
import { SkippedReporter } from './support/skipped.ts';

export default defineConfig({
  test: {
    reporters: ['default', new SkippedReporter()],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**'],
        },
      },
      {
        // One after the other: they sample, and what else runs takes its share.
        test: {
          name: 'e2e',
          globalSetup: '.ci/bundle.mjs',
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
