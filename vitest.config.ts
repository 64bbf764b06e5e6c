import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{modules,shared,tests,scripts,clients,bench}/**/*.test.ts'],
    globalSetup: 'tests/support/global-setup.ts',
    // On 2 cores vitest would run one file at a time; the files wait for PostgreSQL most of the time.
    maxWorkers: 3,
    // The files of a worker share what they import, a fifth of the suite's CPU time. No test replaces a module, and each takes back its spies.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['modules/**/*.ts', 'shared/**/*.ts', 'app.ts'],
      // Both run in the processes of a cluster only: tests/workers.test.ts tells their stories.
      exclude: ['**/tests/**', 'shared/lifecycle/workers.ts', 'shared/metrics/fleet-metrics.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: {
        lines: 90,
        // The pure rules: whatever they decide is decided by a test.
        'modules/*/{order,payment,product,stock,session,user,password,roles,audit}.ts': { branches: 100, lines: 100 },
        'modules/payments/providers/stripe.{currency,states}.ts': { branches: 100, lines: 100 },
        'shared/{domain/money,domain/page,events/back-off}.ts': { branches: 100, lines: 100 },
      },
    },
  },
});
