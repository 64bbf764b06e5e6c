// What docs/operations.md and docs/runbook.md tell operators to type, and no drill does: it works as it stands there.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blocksOf, sectionOf } from '../scripts/readme.ts';
import { loadConfig } from '../shared/config/config.ts';
import { startEmbeddedPostgres } from '../shared/database/embedded.ts';
import { createLogger } from '../shared/logging/logger.ts';
import { createTestDatabase } from './support/app.ts';
import { hasProgram } from './support/programs.ts';

const operations = readFileSync('docs/operations.md', 'utf8');
const runbook = readFileSync('docs/runbook.md', 'utf8');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-operations-'));
  await chmod(folder, 0o755); // PostgreSQL does not run as root and must be able to enter
});
afterAll(() => rm(folder, { recursive: true }));

describe('an environment of production', () => {
  const secrets: Record<string, string> = {
    'database-url': 'postgresql://waybill:7f3c9a51d2@db.example:5432/waybill',
    'jwt-secret': '4b9d1c7e60f2a83516d90ce7b4a8f1325ce96d07',
    'metrics-token': '9f02c6d81e7b4a3550aa71c3',
    'test-provider-secret': 'c4e81f6a9b2d7035e6f1a8c39d40b72e',
    'stripe-secret-key': 'sk_live_4eC39HqLyjWDarjtT1zdp7dc',
    'stripe-webhook-secret': 'whsec_9bd2f4a8c1e7603d5f',
  };

  /** As the document has it, with the secrets where it says. */
  async function environmentOf(block: string): Promise<Record<string, string>> {
    const entries = block.split('\n').map(async (line): Promise<[string, string]> => {
      const [name = '', value = ''] = line.split(/=(.*)/);
      if (!value.startsWith('/run/secrets/')) return [name, value];
      const file = join(folder, basename(value));
      await writeFile(file, `${secrets[basename(value)]}\n`);
      return [name, file];
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  const [smallest = ''] = blocksOf(sectionOf(operations, 'Configuration'), '');
  const [stripe = ''] = blocksOf(sectionOf(operations, 'Stripe'), '');

  test('the smallest is accepted', async () => {
    expect(loadConfig(await environmentOf(smallest))).toMatchObject({ nodeEnv: 'production', paymentProvider: 'test' });
  });

  test('none of it may be left out, but for what has a default', async () => {
    const env = await environmentOf(smallest);
    const refused = Object.keys(env).filter((name) => {
      const { [name]: _, ...others } = env;
      try {
        return loadConfig(others).nodeEnv !== 'production';
      } catch {
        return true;
      }
    });
    expect(Object.keys(env).filter((name) => !refused.includes(name))).toEqual(['METRICS_TOKEN_FILE', 'TRUST_PROXY']);
  });

  test('with Stripe it is accepted, too', async () => {
    const { TEST_PROVIDER_SECRET_FILE: _, ...env } = await environmentOf(smallest);
    expect(loadConfig({ ...env, ...(await environmentOf(stripe)) })).toMatchObject({ paymentProvider: 'stripe' });
  });
});

describe('the questions to the database', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  beforeAll(async () => (database = await createTestDatabase()), 60_000);
  afterAll(() => database.drop());

  test.each(
    blocksOf(sectionOf(operations, 'Questions to the database'), 'sql').flatMap((block) => block.split(/(?<=;)\n/)),
  )('are understood: %s', async (sql) => {
    const client = new pg.Client({ connectionString: database.urlFor('waybill') });
    await client.connect();
    await expect(client.query(sql.replace('…', '01980000-0000-7000-8000-000000000000'))).resolves.toBeDefined();
    await client.end();
  });
});

test.skipIf(!hasProgram('psql', 'postgresql-client'))(
  'psql looks into the embedded database',
  async () => {
    const postgres = await startEmbeddedPostgres({ dataDir: join(folder, '.data') });
    try {
      const [command = ''] = blocksOf(sectionOf(operations, 'The database'), '');
      const looked = execFileSync('bash', ['-c', `${command} --tuples-only --command="SELECT 'seen'"`], {
        cwd: folder,
      });
      expect(looked.toString().trim()).toBe('seen');
      const [, isReady = ''] = /`(pg_isready -h … -p …)`/.exec(runbook) ?? [];
      const { hostname, port } = new URL(postgres.url);
      const asked = isReady.replace('-h …', `-h "${decodeURIComponent(hostname)}"`).replace('-p …', `-p ${port}`);
      expect(execFileSync('bash', ['-c', asked]).toString()).toContain('accepting connections');
    } finally {
      await postgres.stop();
    }
  },
  60_000,
);

describe('a question to the log', () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', isPretty: false }, { write: (line) => void lines.push(line) });
  logger.info({ requestId: 'walk-1' }, 'request');
  logger.error({ requestId: 'walk-2', err: new Error('planted') }, 'request failed');
  logger.fatal('start failed');

  const found: Record<string, string[]> = {
    '.level == "error"': ['request failed', 'start failed'],
    '.requestId ==': ['request'],
    '.msg ==': ['request failed'],
  };
  const questions = [...runbook.matchAll(/`(jq -c '[^']+')`/g)].map(([, question = '']) => question);
  test('is asked three times', () => expect(questions).toHaveLength(3));
  test.skipIf(!hasProgram('jq', 'jq')).each(questions)('finds what it is for: %s', (question) => {
    const answer = execFileSync('bash', ['-c', question.replace('…', 'walk-1')], { input: lines.join('') }).toString();
    const messages = answer.trim().split('\n').map((line) => (JSON.parse(line) as { msg: string }).msg); // prettier-ignore
    expect(messages).toEqual(Object.entries(found).find(([part]) => question.includes(part))?.[1]);
  });
});
