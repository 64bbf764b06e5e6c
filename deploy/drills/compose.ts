// The compose file with its scripts: secrets are made, the role is created in a real PostgreSQL, docker-compose accepts and resolves it, and every service is held against the rules.
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { parse } from 'yaml';
import { addressFaults, brokenRules, type Composed } from './support/compose-rules.ts';
import { drill, run, type Drill } from './support/drill.ts';
import { plant } from './support/plant.ts';
import { exampleSecrets, fileNameOf } from './support/settings.ts';
import { root, startPostgres } from './support/world.ts';

const IMAGE = 'waybill:0.1.0';

/** What is replaced by what in which file below deploy/. */
const faults: Record<string, [file: string, from: string | RegExp, to: string]> = {
  'unknown-key': ['compose.yaml', 'read_only:', 'readonly:'],
  'writable-root': ['compose.yaml', 'read_only: true', 'read_only: false'],
  capabilities: ['compose.yaml', 'cap_drop: [ALL]', 'cap_drop: [NET_RAW]'],
  privileges: ['compose.yaml', 'no-new-privileges:true', 'no-new-privileges:false'],
  'latest-tag': ['compose.yaml', 'image: redis:8', 'image: redis'],
  'killed-early': ['compose.yaml', 'stop_grace_period: 35s', 'stop_grace_period: 20s'],
  'no-memory-limit': ['compose.yaml', /^  mem_limit.*\n/m, ''],
  'no-health-check': ['compose.yaml', /healthcheck: \{ test: \[CMD, wget, -qO-, 'http:\/\/127.0.0.1:9090.*/, ''],
  'default-secret': ['compose.yaml', 'JWT_SECRET_FILE: /run/secrets/jwt-secret', 'JWT_SECRET: Zr8mQ1xK5vTn3wLpY7cHdF2jBs9gUa4e'],
  'secret-not-given': ['compose.yaml', 'secrets: [database-url, redis-url, jwt-secret,', 'secrets: [database-url, redis-url,'],
  'missing-file': ['compose.yaml', './nginx/waybill.conf', './nginx/shop.conf'],
  'open-database': ['compose.yaml', 'networks: [data]\n    stop_grace_period', "ports: ['5432:5432']\n    networks: [data]\n    stop_grace_period"],
  'unknown-setting': ['compose.yaml', "TRUST_PROXY: '1'", "TRUST_PROXIES: '1'"],
  'wrong-setting': ['compose.yaml', "TRUST_PROXY: '1'", "TRUST_PROXY: 'true'"],
  'wrong-address': ['compose/upstream.conf', '172.30.99.12', '172.30.99.13'],
  'unseen-process': ['compose/prometheus.yml', ", 'worker:3000'", ''],
  'unknown-dependency': ['compose.yaml', 'migration: { condition', 'migrations: { condition'],
}; // prettier-ignore

const needs = { 'docker-compose': 'docker-compose', psql: 'postgresql-client', promtool: 'prometheus' };

await drill({ name: 'compose', needs, breaks: Object.keys(faults) }, async (here) => {
  const { check, broken } = here;
  const folder = copy(here, broken);
  const faultsOf = judge(folder, 'test');
  check('docker-compose takes it, and nothing is wrong', faultsOf.length === 0, faultsOf);
  if (broken !== null) return;
  secretsAreMade(here, folder);
  for (const name of ['stripe-secret-key', 'stripe-webhook-secret'])
    writeFileSync(join(folder, 'compose/secrets', name), Object.entries(exampleSecrets).find(([key]) => fileNameOf(key) === name)?.[1] ?? ''); // prettier-ignore
  const withStripe = judge(folder, 'stripe', 'compose/stripe.yaml');
  check('with Stripe beside it nothing is wrong', withStripe.length === 0, withStripe);
  const { status } = compose(folder, { PUBLIC_URL: '' }, 'compose.yaml');
  check('without PUBLIC_URL it is refused', status !== 0, status);
  const { status: asked, output } = run('promtool', ['check', 'config', '--syntax-only', join(folder, 'compose/prometheus.yml')]); // prettier-ignore
  check('promtool takes what Prometheus is told', asked === 0, output);
  await roleIsMade(here, folder);
  const missed = Object.keys(faults).filter((fault) => judge(copy(here, fault), 'test').length === 0);
  check(`each of ${Object.keys(faults).length} planted faults is found`, missed.length === 0, missed);
});

/** deploy/ as it is, or with a fault, and with secrets of its own. */
function copy({ folder }: Drill, fault: string | null): string {
  const target = join(folder, fault ?? 'as-it-is');
  for (const name of ['compose.yaml', 'compose', 'nginx', 'prometheus', 'grafana'])
    cpSync(join(root, 'deploy', name), join(target, name), { recursive: true, filter: (path) => !path.endsWith('/secrets') }); // prettier-ignore
  if (fault !== null) {
    const [file = '', from = '', to = ''] = faults[fault] ?? [];
    plant(join(target, file), from, to);
  }
  makeSecrets(target);
  return target;
}

function makeSecrets(folder: string): string {
  const { status, output } = run('sh', [join(folder, 'compose/make-secrets.sh')]);
  if (status !== 0) throw new Error(`make-secrets.sh ended with ${status}: ${output}`);
  return output;
}

function compose(folder: string, env: Record<string, string>, ...files: string[]) {
  const given = { WAYBILL_IMAGE: IMAGE, PUBLIC_URL: 'https://shop.example', TLS_DIR: folder, ...env };
  const args = files.flatMap((file) => ['--file', join(folder, file)]);
  const { PATH = '', HOME = '' } = process.env;
  return run('docker-compose', [...args, '--profile', 'metrics', 'config'], { env: { PATH, HOME, ...given } });
}

/** @returns what is wrong once docker-compose itself has resolved it */
function judge(folder: string, provider: string, ...more: string[]): string[] {
  const { status, output } = compose(folder, { PAYMENT_PROVIDER: provider }, 'compose.yaml', ...more);
  if (status !== 0) return [output];
  const composed = parse(output) as Composed;
  return [...brokenRules(composed, IMAGE), ...addressFaults(composed, join(folder, 'compose'), IMAGE)];
}

function secretsAreMade({ check }: Drill, folder: string): void {
  const secrets = join(folder, 'compose/secrets');
  const read = () => Object.fromEntries(readdirSync(secrets).map((name) => [name, readFileSync(join(secrets, name), 'utf8')])); // prettier-ignore
  const before = read();
  const mode = (statSync(secrets).mode & 0o777).toString(8);
  const told = makeSecrets(folder);
  check('secrets are made once, and no two are alike', told === '' && JSON.stringify(read()) === JSON.stringify(before) && new Set(Object.values(before)).size === Object.keys(before).length, Object.keys(before)); // prettier-ignore
  check('their folder is for this account only', mode === '700', mode);
}

/** The script that PostgreSQL's image runs once, on a server that has neither role nor database. */
async function roleIsMade(here: Drill, folder: string): Promise<void> {
  const { server } = await startPostgres(here);
  const client = new pg.Client(server.superuserUrl);
  here.onEnd(() => client.end());
  await client.connect();
  await client.query('DROP DATABASE waybill');
  await client.query('DROP ROLE waybill');
  const { hostname, port, username } = new URL(server.superuserUrl);
  const env = {
    PATH: process.env['PATH'] ?? '',
    PGHOST: decodeURIComponent(hostname),
    PGPORT: port,
    POSTGRES_USER: username,
    ROLE_PASSWORD_FILE: join(folder, 'compose/secrets/database-password'),
  };
  const { status, output } = run('sh', [join(folder, 'compose/create-role.sh')], { env });
  const { rows } = await client.query<{ role: string }>(
    `SELECT concat_ws(' ', rolname, CASE WHEN rolsuper OR rolcreaterole OR rolcreatedb THEN 'mighty' ELSE 'ordinary' END, left(rolpassword, 13), datname) AS role
       FROM pg_authid JOIN pg_database ON datdba = pg_authid.oid WHERE datname = 'waybill'`,
  );
  const made = rows[0]?.role;
  here.check('create-role.sh makes an ordinary role with a password, and its database', status === 0 && made === 'waybill ordinary SCRAM-SHA-256 waybill', output || made); // prettier-ignore
}
