// Writes openapi.json from the routes, or with --check tells whether the committed one still says what the server does.
import { readFile, writeFile } from 'node:fs/promises';
import { createModules, openApiOf } from '../app.ts';
import { loadConfig } from '../shared/config/config.ts';
import type { Database } from '../shared/database/database.ts';
import { buildOfCheckout } from '../shared/lifecycle/build.ts';
import { createLogger } from '../shared/logging/logger.ts';
import { Metrics } from '../shared/metrics/metrics.ts';

const unused = () => {
  throw new Error('making the document needs no database');
};
const database: Database = { query: unused, transaction: unused, join: unused, snapshot: unused };
const modules = createModules({
  config: loadConfig({}),
  databaseOf: () => database,
  logger: createLogger({ level: 'silent', isPretty: false }),
  metrics: new Metrics(),
  mailer: { delivers: false, send: unused },
  secrets: { jwt: 'only-for-making-the-document-0123456789', testProvider: 'only-for-making-the-document' },
  ownUrl: () => 'http://localhost',
});
const { version } = await buildOfCheckout();
const document = `${JSON.stringify(openApiOf(modules, version), null, 2)}\n`;

if (!process.argv.includes('--check')) {
  await writeFile('openapi.json', document);
} else if ((await readFile('openapi.json', 'utf8').catch(() => '')) !== document) {
  process.stderr.write('openapi.json is not what the routes say: run npm run openapi and look at the difference.\n');
  process.exitCode = 1;
}
