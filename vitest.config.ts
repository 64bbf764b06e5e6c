import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{modules,shared,tests,scripts}/**/*.test.ts'],
    globalSetup: 'tests/support/global-setup.ts',
    // On 2 cores vitest would run one file at a time; the files wait for PostgreSQL most of the time.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['modules/**/*.ts', 'shared/**/*.ts', 'app.ts'],
      exclude: ['**/tests/**'],
      reporter: ['text-summary', 'json-summary', 'json'],
    },
  },
});
