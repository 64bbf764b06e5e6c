// Alerts, dashboard and runbook: they name what there is, each alert has its tests and its page, and the page's questions are understood.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alertsOf, metricsIn, shipped } from '../deploy/drills/support/promql.ts';
import { createTestDatabase } from './support/app.ts';
import { hasProgram } from './support/programs.ts';

const { alerts, panels } = shipped();
const rules = readFileSync('deploy/prometheus/alerts.yml', 'utf8');
const runbook = readFileSync('docs/runbook.md', 'utf8');
/** What docs/metrics.md lists is what a real server tells: tests/metrics.test.ts. */
const known = [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(\w+)/gm)].map(([, name = '']) => name);

test('there are alerts and panels, and none was overlooked', () => {
  expect(alerts.length).toBe(rules.match(/- alert:/g)?.length);
  expect(alerts.length).toBeGreaterThan(15);
  expect(panels.length).toBeGreaterThan(30);
});

test.each([...alerts, ...panels])('$where asks for metrics that there are: $expr', ({ expr, where }) => {
  const named = metricsIn(expr);
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
  if (!['WaybillGone', 'WaybillDown'].includes(where)) expect(named).not.toEqual([]);
});

test('an expression gives away every metric it names, and nothing else', () => {
  expect(
    metricsIn('histogram_quantile(0.99, sum by (le, route) (rate(a_seconds_bucket{status=~"5.."}[5m]))) > 1'),
  ).toEqual(['a_seconds']);
  expect(metricsIn('(sum(rate(a_total{x="b_total"}[1m])) or vector(0)) / on (instance) b > 700e6')).toEqual([
    'a_total',
    'b',
  ]);
});

describe('each alert', () => {
  test.each(alerts)('$where has a page, which its annotation names', ({ where, runbook: url }) => {
    expect(url).toBe(`docs/runbook.md#${where.toLowerCase()}`);
    const page = runbook.split(/^### /m).find((one) => one.startsWith(`${where}\n`)) ?? '';
    for (const part of ['**Means**', '**Look**', '**Do**']) expect(page).toContain(part);
  });

  test.each(alerts)('$where is tested to fire, and to be silent', ({ where }) => {
    const tests = readFileSync('deploy/prometheus/alerts.test.yml', 'utf8');
    for (const fate of ['fires', 'is silent']) expect(tests).toContain(`  - name: ${where} ${fate}\n`);
  });

  test('and no page is of an alert that is gone', () => {
    const pages = [...runbook.matchAll(/^### (\w+)$/gm)].map(([, name = '']) => name);
    expect(pages.toSorted()).toEqual(alerts.map(({ where }) => where).toSorted());
  });

  test.skipIf(!hasProgram('promtool', 'prometheus'))('fires when it should (needs promtool)', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'deploy/prometheus/alerts.test.yml'], {
      encoding: 'utf8',
    });
    expect(status, `${stdout}${stderr}`).toBe(0);
  });
});

describe('the questions of the runbook', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let client: pg.Client;
  beforeAll(async () => {
    database = await createTestDatabase();
    client = new pg.Client({ connectionString: database.urlFor('waybill') });
    await client.connect();
    // As the first worker makes it, as far as is asked.
    await client.query(
      'CREATE SCHEMA graphile_worker; CREATE TABLE graphile_worker.jobs (task_identifier text, run_at timestamptz, locked_at timestamptz, locked_by text, attempts int, last_error text)',
    );
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  const questions = [...runbook.matchAll(/```sql\n([^`]+)```/g)].map(([, sql = '']) => sql);
  test('are ten or so', () => expect(questions.length).toBeGreaterThan(7));
  test.each(questions)('are understood: %s', async (sql) => {
    await expect(client.query(sql)).resolves.toBeDefined();
  });
});

test('a name that there is not, and an alert without a page, are noticed', () => {
  const [alert] = alertsOf(
    '- alert: Odd\n        expr: odd_total > 1\n        annotations:\n          runbook_url: nowhere\n',
  );
  expect(alert).toEqual({ where: 'Odd', expr: 'odd_total > 1', runbook: 'nowhere' });
  expect(metricsIn(alert?.expr ?? '').filter((name) => !known.includes(name))).toEqual(['odd_total']);
});
