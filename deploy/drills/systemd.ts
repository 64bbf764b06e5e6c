// Our units under a real systemd: it knows when we are ready, stop or hang, gives up when it should, and restarts without anybody noticing.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { blocksOf, sectionOf } from '../../scripts/readme.ts';
import { drill, type Drill } from './support/drill.ts';
import { judge, placeOrders, type Load } from './support/load.ts';
import { bootMachine, machineNeeds, type Machine } from './support/machine.ts';
import { answers, freePort, until } from './support/processes.ts';
import { build, environment, openShop, root, startPostgres, type Postgres } from './support/world.ts';

/** shared/database/migrate.ts: who holds it keeps every start waiting. */
const MIGRATION_LOCK = 7_245_118_301;
const CUSTOMERS = 64;
const GIVE_UP_MS = 150_000;
const NOWHERE = 'postgresql://waybill@127.0.0.1:1/waybill';

/** Blocks the event loop when asked to: the server itself has no way to. */
const BLOCKER = `process.on('SIGUSR2', () => { for (;;); });`;

const faults: Record<string, (machine: Machine) => Promise<unknown>> = {
  notify: async (machine) => {
    await machine.write('/usr/local/bin/systemd-notify', '#!/bin/sh\n');
    await machine.exec('chmod', '+x', '/usr/local/bin/systemd-notify');
    await override(machine, 'waybill.service', '[Service]', 'TimeoutStartSec=10');
  },
  watchdog: (machine) => override(machine, 'waybill.service', '[Service]', 'WatchdogSec=0'),
  limit: (machine) => override(machine, 'waybill-worker.service', '[Unit]', 'StartLimitIntervalSec=0'),
  socket: (machine) => machine.shell('rm -r /etc/systemd/system/waybill.socket*'),
};

let overrides = 0;

await drill({ name: 'systemd', needs: machineNeeds, breaks: Object.keys(faults) }, async (here) => {
  build();
  const postgres = await startPostgres(here);
  const machine = await bootMachine(here, await whatIsInstalled(here));
  await tryAll(here, machine, postgres).catch(async (error: unknown) => {
    here.say(await machine.shell(`journalctl --output=cat | grep -v '"msg":"request"' | tail -n 30`));
    throw error;
  });
});

async function tryAll(here: Drill, machine: Machine, postgres: Postgres): Promise<void> {
  const [install, begin] = await stepsOfTheDocument();
  await machine.shell(install);
  await judgeUnits(here, machine);
  await refusesAnEmptyConfiguration(here, machine);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await configure(here, machine, { ...environment(postgres.tcpUrl), PORT: String(port), DRAIN_DELAY_MS: '1000' });
  await isActiveOnlyWhenReady(here, machine, postgres, here.broken === 'socket' ? begin.replace('waybill.socket', '') : begin); // prettier-ignore
  // From here on without a daemon-reload, which "enable" does, too: it forgets how often a unit was started.
  await startCrashLoop(machine);
  await isConfined(here, machine);
  const load = placeOrders(here, url, await openShop(url), { clients: CUSTOMERS });
  const [times, orders] = here.isShort ? [3, 1_000] : [8, 10_000];
  await restarts(here, machine, load, { times, orders });
  await reloads(here, machine, load);
  await restarts(here, machine, load, { times, orders: load.sent() + orders });
  await load.end();
  await judge(here, postgres, load);
  await saysThatItStops(here, machine);
  await killsWhatHangs(here, machine, url);
  await givesUp(here, machine);
  await worksApart(here, machine);
  await livesOn(here, machine);
}

/** Path on the machine → ours. A checkout may be closed to others; what is in it is not. */
async function whatIsInstalled({ folder }: Drill): Promise<Record<string, string>> {
  const tools = join(folder, 'tools');
  await mkdir(tools);
  await writeFile(join(tools, 'blocker.mjs'), BLOCKER);
  const parts = ['dist', 'node_modules', 'deploy', 'package.json'];
  const release = Object.fromEntries(parts.map((part) => [`/opt/waybill/current/${part}`, join(root, part)]));
  return { ...release, '/usr/bin/node': process.execPath, '/opt/tools': tools };
}

/** What docs/operations.md tells people to type: before and after the configuration is written. */
async function stepsOfTheDocument(): Promise<[string, string]> {
  const text = await readFile(join(root, 'docs/operations.md'), 'utf8');
  const [install, begin] = blocksOf(sectionOf(text, 'On one machine: systemd'), 'sh');
  if (install === undefined || begin === undefined) throw new Error('docs/operations.md lost its commands');
  return [install, begin];
}

async function judgeUnits({ check }: Drill, machine: Machine): Promise<void> {
  const units = '/etc/systemd/system/waybill.service /etc/systemd/system/waybill.socket /etc/systemd/system/waybill-worker.service'; // prettier-ignore
  // It ends with 0 on keys that it does not know, but says so.
  const complaints = await machine.shell(`systemd-analyze verify ${units} 2>&1`);
  check('systemd-analyze verify has nothing to say', complaints === '', complaints);
  for (const unit of ['waybill', 'waybill-worker']) {
    const verdict = await machine.shell(
      `systemd-analyze security --offline=yes --threshold=15 /etc/systemd/system/${unit}.service | tail -n 1; systemd-analyze security --offline=yes --threshold=15 /etc/systemd/system/${unit}.service >/dev/null && echo kept || echo exceeded`,
    );
    check(`${unit} is exposed by 1.5 at most`, verdict.endsWith('kept'), verdict.split('\n')[0]);
  }
  const [web, worker] = await Promise.all(['waybill', 'waybill-worker'].map((unit) => settingsOf(machine, unit)));
  check('the worker is confined like the service', web === worker);
}

/** All that is below [Service], but for what it runs. */
async function settingsOf(machine: Machine, unit: string): Promise<string> {
  const text = await machine.shell(`sed -n '/^\\[Service\\]/,/^\\[Install\\]/p' /etc/systemd/system/${unit}.service`);
  return text.split('\n').filter((line) => !/^(#|ExecStart=)/.test(line)).join('\n'); // prettier-ignore
}

async function refusesAnEmptyConfiguration({ check }: Drill, machine: Machine): Promise<void> {
  await machine.exec('systemctl', 'start', 'waybill.service').catch(() => undefined); // judged by what is left
  const seen = await show(machine, 'waybill', 'ActiveState', 'ExecMainStatus', 'NRestarts');
  check('the sample configuration as it is: 78, and no second try', seen === 'failed 78 0', seen);
  await machine.exec('systemctl', 'reset-failed', 'waybill.service');
}

async function configure({ isShort, broken }: Drill, machine: Machine, env: Record<string, string>): Promise<void> {
  await machine.write('/etc/waybill/waybill.env', fileOf(env));
  await machine.write('/etc/waybill/nowhere.env', fileOf({ ...env, DATABASE_URL: NOWHERE }));
  await override(machine, 'waybill.service', '[Service]', 'Environment=NODE_OPTIONS=--import=/opt/tools/blocker.mjs');
  await edit(machine, 'waybill.socket', '[Socket]', 'ListenStream=', `ListenStream=127.0.0.1:${env['PORT'] ?? ''}`);
  await override(machine, 'waybill-worker.service', '[Service]', 'EnvironmentFile=', 'EnvironmentFile=/etc/waybill/nowhere.env'); // prettier-ignore
  if (isShort) await override(machine, 'waybill.service', '[Service]', 'WatchdogSec=6', 'RestartSec=1');
  if (isShort) await override(machine, 'waybill-worker.service', '[Service]', 'RestartSec=1');
  if (broken !== null) await faults[broken]?.(machine);
  await machine.exec('systemctl', 'daemon-reload');
}

function fileOf(env: Record<string, string>): string {
  return Object.entries(env).map(([name, value]) => `${name}=${value}\n`).join(''); // prettier-ignore
}

/** As `systemctl edit`, which wants a terminal, and an editor that a person sits at. */
async function edit(machine: Machine, unit: string, ...lines: string[]): Promise<void> {
  await machine.write('/root/edited', `${lines.join('\n')}\n`);
  await machine.shell(
    `SYSTEMD_EDITOR='cp /root/edited' script --quiet --return --command 'systemctl edit ${unit}' /dev/null`,
  );
}

async function override(machine: Machine, unit: string, ...lines: string[]): Promise<void> {
  await machine.write(`/etc/systemd/system/${unit}.d/${++overrides}.conf`, `${lines.join('\n')}\n`);
}

/** Properties of a unit, as systemd tells them. */
async function show(machine: Machine, unit: string, ...properties: string[]): Promise<string> {
  const one = (name: string) => machine.exec('systemctl', 'show', '--value', '--property', name, `${unit}.service`);
  return (await Promise.all(properties.map(one))).join(' ');
}

/** How often the unit's journal, systemd's own words included, has this. Searched there: it is long. */
async function countOf(machine: Machine, unit: string, text: string): Promise<number> {
  const found = `journalctl --output=cat --unit=${unit}.service | grep --count --fixed-strings '${text}' || true`;
  return Number(await machine.shell(found));
}

/** Without a database no start succeeds; it goes on beside all else. */
async function startCrashLoop(machine: Machine): Promise<void> {
  await machine.exec('systemctl', 'start', '--no-block', 'waybill-worker.service');
}

/** A start is held up at the migrations: it runs, and is not ready. */
async function isActiveOnlyWhenReady({ check }: Drill, machine: Machine, { tcpUrl, sql }: Postgres, begin: string) {
  const holder = new pg.Client({ connectionString: tcpUrl });
  holder.on('error', () => undefined); // only when the drill is over before its time
  await holder.connect();
  await holder.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
  const begun = machine.shell(begin);
  begun.catch(() => undefined); // awaited below
  const waiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
  await until('the start waits for the lock', async () => (await sql(waiting)).length === 1);
  const before = await show(machine, 'waybill', 'ActiveState');
  check('not active while it migrates', before === 'activating', before);
  await holder.end();
  await begun;
  const after = await show(machine, 'waybill', 'ActiveState');
  check('active when it is ready', after === 'active', after);
}

async function isConfined({ check }: Drill, machine: Machine): Promise<void> {
  const pid = await show(machine, 'waybill', 'MainPID');
  const status = await machine.exec('cat', `/proc/${pid}/status`);
  const of = (name: string) => new RegExp(`^${name}:\\s+(\\w+)`, 'm').exec(status)?.[1] ?? '';
  check('it is not root', Number(of('Uid')) > 0, of('Uid'));
  const seen = { NoNewPrivs: of('NoNewPrivs'), Seccomp: of('Seccomp'), CapBnd: of('CapBnd') };
  check('no new privileges, filtered system calls, no capability', of('NoNewPrivs') === '1' && of('Seccomp') === '2' && /^0+$/.test(of('CapBnd')), seen); // prettier-ignore
  const touch =
    'for place in /etc /opt/waybill/current /var/lib /home; do touch $place/x 2>/dev/null && echo $place; done; true';
  const written = await machine.exec('nsenter', '--target', pid, '--mount', 'sh', '-c', touch);
  check('even root could not write where it is', written === '', written);
}

type Restarts = { times: number; orders: number };

/** So many, and until so many orders were sent since the load began. */
async function restarts({ say, check }: Drill, machine: Machine, load: Load, { times, orders }: Restarts) {
  for (let done = 1; done <= times || load.sent() < orders; done++) {
    const sentBefore = load.sent();
    await machine.exec('systemctl', 'reset-failed', 'waybill.service'); // so many by hand would be too many
    await machine.exec('systemctl', 'restart', 'waybill.service');
    await until('everybody has ordered again', () => load.sent() > sentBefore + 2 * CUSTOMERS);
    say(`restart ${done}: ${load.sent()} orders sent`);
  }
  const by = await show(machine, 'waybill', 'NRestarts', 'Result');
  check('none of the restarts was systemd’s', by === '0 success', by);
}

/** The same socket, shared by two workers. */
async function reloads({ say, check }: Drill, machine: Machine, load: Load): Promise<void> {
  // Not by an override, which needs a daemon-reload.
  await machine.shell('echo WORKERS=2 >> /etc/waybill/waybill.env');
  await machine.exec('systemctl', 'restart', 'waybill.service');
  const pid = await show(machine, 'waybill', 'MainPID');
  for (const reload of [1, 2]) {
    await machine.exec('systemctl', 'reload', 'waybill.service');
    await until(`reload ${reload} is over`, async () => (await countOf(machine, 'waybill', '"msg":"reloaded"')) === reload); // prettier-ignore
    say(`reload ${reload} of two workers: ${load.sent()} orders sent`);
  }
  check('their primary is still the same', (await show(machine, 'waybill', 'MainPID')) === pid);
}

/** Asked behind systemd's back, so that it knows only from us. */
async function saysThatItStops({ check }: Drill, machine: Machine): Promise<void> {
  await machine.exec('systemctl', 'kill', '--kill-whom=main', 'waybill.service');
  const state = () => show(machine, 'waybill', 'ActiveState');
  let seen = '';
  await until('it is not active any more', async () => (seen = await state()) !== 'active');
  check('systemd hears that it stops', seen === 'deactivating', seen);
  await until('it has stopped', async () => (await state()) === 'inactive');
  const end = await show(machine, 'waybill', 'ExecMainStatus', 'Result');
  check('it ends with 0', end === '0 success', end);
}

async function killsWhatHangs({ check }: Drill, machine: Machine, url: string): Promise<void> {
  await machine.exec('systemctl', 'start', 'waybill.service');
  await machine.exec('systemctl', 'kill', '--kill-whom=main', '--signal=SIGUSR2', 'waybill.service');
  await until('it was killed and started again', async () => (await show(machine, 'waybill', 'NRestarts', 'ActiveState')) === '1 active'); // prettier-ignore
  check('the watchdog did it', (await countOf(machine, 'waybill', 'Watchdog timeout')) === 1);
  check('and all is well', await answers(`${url}/ready`));
}

async function givesUp({ check }: Drill, machine: Machine): Promise<void> {
  const state = () => show(machine, 'waybill-worker', 'ActiveState');
  await until('the crash loop is over', async () => (await state()) === 'failed', GIVE_UP_MS);
  const starts = await countOf(machine, 'waybill-worker', 'Starting waybill-worker.service');
  check('five starts without a database, then no more', starts === 5, starts);
}

/** With a database again: jobs in a unit of their own. */
async function worksApart({ check }: Drill, machine: Machine): Promise<void> {
  const port = await freePort();
  const command = `/usr/bin/env ROLE=worker PORT=${port} /usr/bin/node dist/server.js`;
  await override(machine, 'waybill-worker.service', '[Service]', 'EnvironmentFile=', 'EnvironmentFile=/etc/waybill/waybill.env', 'ExecStart=', `ExecStart=${command}`); // prettier-ignore
  await machine.exec('systemctl', 'daemon-reload');
  await machine.exec('systemctl', 'reset-failed', 'waybill-worker.service');
  await machine.exec('systemctl', 'enable', '--now', 'waybill-worker.service');
  check('the worker is ready in a unit of its own', await answers(`http://127.0.0.1:${port}/ready`));
}

/** Idle for longer than the watchdog has patience. */
async function livesOn({ check, isShort }: Drill, machine: Machine): Promise<void> {
  const patienceS = isShort ? 6 : 20;
  const pid = await show(machine, 'waybill', 'MainPID');
  const ageS = async () => Number(await machine.exec('ps', '--no-headers', '--format', 'etimes', '--pid', pid));
  await until('it is old', async () => (await ageS()) > 1.5 * patienceS);
  check(
    'who gives signs of life is let live',
    (await show(machine, 'waybill', 'MainPID')) === pid,
    `${await ageS()} s`,
  );
}
