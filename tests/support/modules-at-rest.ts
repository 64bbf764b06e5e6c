// The modules as they are wired, without a database: for looking at their routes.
import { createModules, type Modules } from '../../app.ts';
import { loadConfig } from '../../shared/config/config.ts';
import type { Database } from '../../shared/database/database.ts';
import { createLogger } from '../../shared/logging/logger.ts';
import { Metrics } from '../../shared/metrics/metrics.ts';

const unused = () => {
  throw new Error('nothing is asked of the database here');
};
const database: Database = { query: unused, transaction: unused, join: unused, snapshot: unused };

export const modulesAtRest = (): Modules =>
  createModules({
    config: loadConfig({}),
    databaseOf: () => database,
    logger: createLogger({ level: 'silent', isPretty: false }),
    metrics: new Metrics(),
    mailer: { delivers: false, send: unused },
    secrets: { jwt: 'only-for-looking-at-the-modules-0123456789', testProvider: 'only-for-looking' },
    ownUrl: () => 'http://localhost',
  });
