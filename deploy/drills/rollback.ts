// Releases that must not come into service: deploy.sh says why, and the version before answers all the while.
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drill, type Drill } from './support/drill.ts';
import type { Edit } from './support/edge.ts';
import { judge, placeOrders } from './support/load.ts';
import { until } from './support/processes.ts';
import { ended, openSite, type Change, type Deployment, type Site } from './support/site.ts';
import { environment, openShop, startPostgres } from './support/world.ts';

type Bad = { change: Change; status: number; says: string; settings?: Record<string, string>; isShort?: true };

const edit =
  (file: string, from: string, to: string): Change =>
  async (tree) => {
    const text = await readFile(join(tree, file), 'utf8');
    if (!text.includes(from)) throw new Error(`${file} does not have: ${from}`);
    await writeFile(join(tree, file), text.replace(from, to));
  };
const append =
  (file: string, text: string): Change =>
  (tree) =>
    appendFile(join(tree, file), text);

const bad: Record<string, Bad> = {
  'whose build breaks': {
    change: append('app.ts', `\nexport const planted: number = 'text';\n`),
    status: 5,
    says: 'the build of',
    isShort: true,
  },
  'whose migration takes away what the running version reads': {
    change: append('modules/orders/migrations/9999_planted.sql', 'ALTER TABLE orders.orders\n  DROP COLUMN note;\n'),
    status: 6,
    says: '9999_planted.sql',
  },
  'whose migration breaks': {
    change: append('modules/orders/migrations/9999_planted.sql', 'CREATE TABLE orders.planted (); SELECT 1 / 0;\n'),
    status: 7,
    says: 'nothing of it was kept',
  },
  'that dies at its start': {
    change: append('app.ts', `\nthrow new Error('planted');\n`),
    status: 7,
    says: 'planted',
  },
  'that is never ready': {
    change: edit(
      'shared/middleware/health.ts',
      'await checkReady()',
      `await checkReady().then(() => Promise.reject(new Error('planted')))`,
    ),
    status: 8,
    says: 'was not healthy',
    settings: { WAYBILL_HEALTH_SECONDS: '12' },
    isShort: true,
  },
  'that dies soon after its start': {
    change: append('server.ts', '\nsetTimeout(() => process.exit(1), 1200);\n'),
    status: 8,
    says: 'it ended',
  },
  'that dies in service only': {
    change: append('server.ts', `\nif (config.role !== 'web') setTimeout(() => process.exit(1), 1500);\n`),
    status: 9,
    says: 'serves again',
    settings: { WAYBILL_HEALTH_SECONDS: '20' },
  },
};

/** Faults in deploy.sh itself. */
const faults: Record<string, Edit> = {
  'believes-the-restart': (text) => text.replace('is_healthy() {', 'is_healthy() {\n  [[ -n ${3-} ]] || return 0'),
  'no-way-back': (text) => text.replace('  switch_to "$before"\n', ''),
};

const needs = { nginx: 'nginx', openssl: 'openssl', curl: 'curl', flock: 'util-linux', setpriv: 'util-linux' };

await drill({ name: 'rollback', needs, breaks: Object.keys(faults) }, async (here) => {
  const postgres = await startPostgres(here);
  const site = await openSite(here, environment(postgres.tcpUrl), faults[here.broken ?? '']);
  const first = await site.pack();
  await mustEnd(here, 'the first release', await site.deploy(first.artefact), 0);
  const load = placeOrders(here, site.edge.url, await openShop(site.url), { clients: 16, trust: site.edge });

  // Each fault shows with one of them only.
  const isWhole = !here.isShort || here.broken !== null;
  for (const [what, one] of Object.entries(bad)) if (isWhole || one.isShort) await refuse(here, site, first.commit, what, one); // prettier-ignore
  await refuseCorrupt(here, site, first.commit);
  if (!here.isShort) await throughTheNext(here, site, first.commit);

  await load.end();
  await judge(here, postgres, load);
  const unexpected = site.exits.filter((code) => code !== 0);
  here.check('every replica that was stopped while it was well ended with 0', unexpected.length <= 1, site.exits.join()); // prettier-ignore
});

/** Each of these brings releases into service, which takes a minute. */
async function throughTheNext(here: Drill, site: Site, serving: string): Promise<void> {
  const second = await twoAtOnce(here, site, serving);
  await killed(here, site);
  await byHand(here, site, second);
}

async function mustEnd(
  { check }: Drill,
  what: string,
  { status, output }: Deployment,
  wanted: number | null,
): Promise<void> {
  check(`${what}: deploy.sh ends with ${wanted ?? 'SIGKILL'}`, status === wanted, status === wanted ? lastLine(output) : `${status}\n${output}`); // prettier-ignore
}

function lastLine(output: string): string {
  return output.split('\n').at(-1)?.replace(/^\S+ /, '') ?? '';
}

async function mustServe({ check }: Drill, what: string, site: Site, commit: string): Promise<void> {
  const seen = await site.serving();
  check(`${what}: ${commit} serves`, seen.every((one) => one === commit), seen); // prettier-ignore
}

async function refuse(here: Drill, site: Site, serving: string, what: string, one: Bad): Promise<void> {
  const { artefact } = await site.pack(one.change);
  const deployment = await site.deploy(artefact, one.settings);
  await mustEnd(here, `a release ${what}`, deployment, one.status);
  here.check('and says why', deployment.output.includes(one.says));
  await mustServe(here, 'after it', site, serving);
}

async function refuseCorrupt(here: Drill, site: Site, serving: string): Promise<void> {
  const { artefact } = await site.pack();
  await appendFile(artefact, 'x');
  await mustEnd(here, 'an artefact with a byte too many', await site.deploy(artefact), 4);
  await mustServe(here, 'after it', site, serving);
}

/** One of them waits for nobody: it is told to come again. @returns what serves then */
async function twoAtOnce(here: Drill, site: Site, serving: string): Promise<string> {
  const [one, other] = [await site.pack(), await site.pack()];
  const running = site.begin(one.artefact);
  await until('the first has begun', () => running.log.some((line) => line.includes('building')));
  await mustEnd(here, 'a second deployment at the same time', await site.deploy(other.artefact), 3);
  await mustServe(here, 'meanwhile', site, serving);
  await mustEnd(here, 'the first of two', await ended(running), 0);
  await mustServe(here, 'after it', site, one.commit);
  return one.commit;
}

/** kill -9 right after the switch, then the same again. */
async function killed(here: Drill, site: Site): Promise<void> {
  const { commit, artefact } = await site.pack();
  const running = site.begin(artefact);
  const isAt = (text: string) => running.log.some((line) => line.includes(text));
  await until('it tries the release', () => isAt('trying'), 300_000);
  await running.stop('SIGKILL');
  await mustEnd(here, 'deploy.sh killed while it tries', await ended(running), null);
  const again = site.begin(artefact);
  await until('it has switched', async () => (await site.serving())[0] === commit, 300_000);
  await again.stop('SIGKILL');
  await mustEnd(here, 'the same deployment once more', await site.deploy(artefact), 0);
  await mustServe(here, 'after it', site, commit);
}

async function byHand(here: Drill, site: Site, before: string): Promise<void> {
  await mustEnd(here, 'deploy.sh --rollback', await site.deploy('--rollback'), 0);
  await mustServe(here, 'after it', site, before);
}
