// The tests of the pure rules alone, without a database: what `npm run mutation` runs for each mutant.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'modules/*/tests/{order,fulfillment,payment,refund,product,session,password,roles,audit}.test.ts',
      'shared/{domain,events}/tests/{money,page,back-off}.test.ts',
    ],
  },
});
