// Lists every npm script, grouped; a script without a line here fails the command, so the list stays whole.
import { readFile } from 'node:fs/promises';

const groups: Record<string, Record<string, string>> = {
  Run: {
    start: 'build, then serve; makes its own PostgreSQL when DATABASE_URL is not set',
    dev: 'serve from the sources, restart on save',
    'user:create': 'make an account: -- --email you@example.com --role admin',
    'db:seed': 'a demo shop; prints its staff login once',
    'db:generate': 'a shop of a million orders, to see what grows slow: -- --orders 10000000',
    'stock:reconcile': 'compare stock with its ledger and with open orders',
    doctor: 'look for what is stuck, leaked or does not add up: -- --fix repairs what is safe to repair',
  },
  Test: {
    test: 'every test, on a PostgreSQL that comes along',
    coverage: 'the same, with coverage',
    crash: 'SIGKILL at every statement of placing, paying and cancelling (some minutes)',
    fuzz: 'every operation with 200 valid and 200 spoiled requests at random: -- --seed 7 --only placeOrder',
    model: '500 random walks of customers and staff, the server held against a small model: -- --seed 7',
    bench:
      'what a request costs, held against bare servers and PostgreSQL itself: -- orders reads (on a quiet machine)',
    plans: 'the plan of every query against a million orders: -- --orders 10000000',
    timing: 'does the time of an answer tell who has an account? (run it alone on the machine)',
    mutation: 'change the pure rules in every small way: do their tests notice? (ten minutes)',
    'export:memory': 'export 100,000 orders and look at the memory of the server (Linux)',
    smoke: 'clone into an empty folder, first command of the README, one order',
    check: 'all that must hold before a change lands',
  },
  Drills: {
    drills: 'all of these and the crash matrix, one after the other; each takes -- --short',
    'drill:proxies': 'nginx and HAProxy with our files: what they hand on, ask twice and say themselves',
    'drill:hostile-http': 'malformed, slow and silent clients: answered or shown out, in bounded memory',
    'drill:systemd': 'our units under a real systemd: ready, stop, watchdog, restarts, sandbox',
    'drill:certificates': 'certbot fetches and renews from a test authority, nginx serves the new one, nobody fails',
    'drill:database-faults':
      'PostgreSQL restarts, stops, freezes, the wire goes bad: only 503, nothing lost or doubled',
    'drill:overload': 'more customers than can be served: what can wait is turned away, what must not fail is not',
    'drill:pgbouncer': 'two servers behind PgBouncer in transaction mode: a crowd, an order, jobs, an export',
    'drill:last-words': 'the last line of a dying process is there, 20 times of 20, however it dies',
    'drill:seen': 'what operators see: numbers that never fall, an alarm that does not cry wolf, alerts, panels',
    'drill:patroni': 'the leader of three PostgreSQL dies under load: only 503, nothing lost; and a backup, restored',
    'drill:rollback': 'bad releases: deploy.sh says why, and the version before answers all the while',
    'drill:drain': 'processes are replaced under 64 clients, and no request fails',
    'drill:image': 'the container image, built without a registry, run without root and with nothing to write to',
    'drill:compose': 'the compose file: resolved by docker-compose, its scripts run, every service held against rules',
    'drill:kubernetes': 'the manifests, rendered by kubectl and held against schemas, program and configuration',
    'drill:limits': 'four workers and four replicas count as one; Redis dies and freezes, and nobody waits',
    'drill:workflows': 'the GitHub workflows: actionlint, shellcheck, pinned actions, few permissions',
  },
  Check: {
    format: 'format the code',
    'format:check': 'is it formatted?',
    lint: 'lint, with types',
    types: 'type check',
    boundaries: 'who may import whom',
    'dead-code': 'files, exports and packages that nothing uses',
    'openapi:lint': 'is openapi.json a good document?',
    'schema:compat': 'the stories of the last tagged version on the schema of today; -- --against <ref> modules/orders',
    'api:diff': 'what openapi.json takes away from callers of the last tagged version; -- --against <file or ref>',
    audit: 'known advisories in what is deployed',
    'supply-chain': 'where packages come from; writes a bill of materials to reports/sbom.cdx.json',
  },
  Make: {
    build: 'compile to dist/',
    openapi: 'write openapi.json from the routes, and the client from it',
    client: 'write the typed client from openapi.json',
    'env:example': 'write .env.example from the config schema',
    help: 'this list',
  },
};

const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as { scripts: Record<string, string> };
const listed = Object.values(groups).flatMap((group) => Object.keys(group));
for (const [title, group] of Object.entries(groups)) {
  process.stdout.write(`\n${title}\n`);
  for (const [name, about] of Object.entries(group)) process.stdout.write(`  npm run ${name.padEnd(20)} ${about}\n`);
}
const differing = [
  ...Object.keys(scripts).filter((name) => !listed.includes(name) && !/^(pre|post)/.test(name)),
  ...listed.filter((name) => scripts[name] === undefined),
];
if (differing.length > 0) {
  process.stderr.write(`\nhelp and package.json differ: ${differing.join(', ')}\n`);
  process.exitCode = 1;
}
