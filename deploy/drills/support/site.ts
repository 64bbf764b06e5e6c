// One machine as deploy.sh finds it: two replicas behind nginx, a supervisor that restarts them, and releases to bring.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeCertificate } from './certificate.ts';
import { run, type Drill } from './drill.ts';
import { shipped, type Edge, type Edit } from './edge.ts';
import { startNginx } from './nginx.ts';
import { answers, freePort, start, until, type Running } from './processes.ts';
import { copySources } from './tree.ts';

export type Release = { commit: string; artefact: string };
export type Deployment = { status: number | null; output: string };
export type Change = (tree: string) => Promise<unknown>;

export type Site = {
  edge: Edge;
  /** Of the first replica, past nginx. */
  url: string;
  exits: (number | null)[];
  /** A release of what is here, changed. */
  pack: (change?: Change) => Promise<Release>;
  /** Runs deploy.sh in the background. */
  begin: (argument: string, settings?: Record<string, string>) => Running;
  deploy: (argument: string, settings?: Record<string, string>) => Promise<Deployment>;
  /** What `current` points to, and as which commit each replica answers. */
  serving: () => Promise<string[]>;
};

/** What systemd waits after a death, shorter. */
const RESTART_AFTER_MS = 1000;

/** @param edit plants a fault in deploy.sh */
export async function openSite(here: Drill, env: Record<string, string>, edit: Edit = (text) => text): Promise<Site> {
  const base = join(here.folder, 'site');
  await mkdir(base);
  const replicas: [number, number] = [await freePort(), await freePort()];
  const supervisor = await supervise(here, join(base, 'current'), { ...env, HOST: '127.0.0.1', TRUST_PROXY: '1' });
  const script = join(here.folder, 'deploy.sh');
  await writeFile(script, edit(await shipped('deploy.sh')));
  const environment = join(here.folder, 'waybill.env');
  await writeFile(environment, Object.entries(env).map(([name, value]) => `${name}=${value}\n`).join('')); // prettier-ignore
  const settings = {
    WAYBILL_BASE: base,
    WAYBILL_ENVIRONMENT: environment,
    WAYBILL_REPLICAS: replicas.map((port) => `${port}=http://127.0.0.1:${port}`).join(' '),
    WAYBILL_RESTART: supervisor.restart,
    WAYBILL_SPARE_PORT: String(await freePort()),
    WAYBILL_POLL_SECONDS: '0.2',
    // Its own account fetches every package anew.
    ...(here.isShort ? { WAYBILL_ACCOUNT: '' } : npmSettings()),
  };
  const begin: Site['begin'] = (argument, more = {}) => start('bash', [script, argument], { asRoot: true, env: { ...settings, ...more } }); // prettier-ignore
  return {
    edge: await startNginx(here, { certificate: await makeCertificate(here.folder), replicas }),
    url: `http://127.0.0.1:${replicas[0]}`,
    exits: supervisor.exits,
    pack: (change) => pack(here, change),
    begin,
    deploy: async (argument, more) => ended(begin(argument, more)),
    serving: async () => [
      basename(await readlink(join(base, 'current')).catch(() => 'nothing')),
      ...(await Promise.all(replicas.map(commitAt))),
    ],
  };
}

export async function ended({ child, log }: Running): Promise<Deployment> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  return { status: child.exitCode, output: log.join('\n') };
}

const commitAt = async (port: number): Promise<string> => {
  const told = await fetch(`http://127.0.0.1:${port}/version`).catch(() => null);
  return told === null ? 'silent' : ((await told.json()) as { commit: string }).commit;
};

/** npm asks where this machine asks, whatever account builds. */
function npmSettings(): Record<string, string> {
  const valueOf = (name: string) =>
    run('npm', ['config', 'get', name])
      .output.split('\n')
      .find((line) => !line.startsWith('npm ')) ?? '';
  const values = ['registry', 'cafile'].map((name) => ({ name: `npm_config_${name}`, value: valueOf(name) }));
  const given = values.filter(({ value }) => !['', 'null', 'undefined'].includes(value));
  return Object.fromEntries(given.map(({ name, value }) => [name, value]));
}

async function pack({ folder }: Pick<Drill, 'folder'>, change: Change = () => Promise.resolve()): Promise<Release> {
  const commit = randomBytes(6).toString('hex');
  const tree = join(folder, `tree-${commit}`);
  await copySources(tree);
  await change(tree);
  const name = `waybill-${commit}.tar.gz`;
  for (const [program, args] of [
    ['tar', ['-czf', name, '-C', tree, '.']],
    ['sh', ['-c', `sha256sum ${name} >${name}.sha256`]],
  ] as const) {
    const { status, output } = run(program, [...args], { cwd: folder });
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${output}`);
  }
  return { commit, artefact: join(folder, name) };
}

/** Does what `systemctl restart` does for a unit with Type=notify and Restart=on-failure; the unit's name is its port. */
async function supervise(here: Drill, cwd: string, env: Record<string, string>) {
  const units = new Map<string, Running>();
  const exits: (number | null)[] = [];
  let isOver = false;
  const launch = (port: string): Running => {
    const unit = start(process.execPath, ['dist/server.js'], { cwd, asRoot: true, env: { ...env, PORT: port } });
    units.set(port, unit);
    unit.child.once('exit', () => void sleep(RESTART_AFTER_MS).then(() => !isOver && units.get(port) === unit && launch(port))); // prettier-ignore
    return unit;
  };
  const restart = async (port: string): Promise<boolean> => {
    const old = units.get(port);
    units.delete(port);
    if (old !== undefined) exits.push(await old.stop());
    const { child } = launch(port);
    const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
    await until(`${port} is ready`, async () => hasEnded() || (await answers(`http://127.0.0.1:${port}/ready`)), 20_000).catch(() => undefined); // prettier-ignore
    return !hasEnded();
  };
  const control = createServer((request, response) => {
    void restart(request.url?.slice(1) ?? '').then((isGood) => response.writeHead(isGood ? 200 : 500).end());
  });
  const port = await freePort();
  await once(control.listen(port, '127.0.0.1'), 'listening');
  here.onEnd(async () => {
    isOver = true;
    control.close();
    await Promise.all([...units.values()].map((unit) => unit.stop()));
  });
  const script = join(here.folder, 'restart');
  await writeFile(script, `#!/bin/sh\nexec curl -fsS -X POST http://127.0.0.1:${port}/$1\n`);
  await chmod(script, 0o755);
  return { restart: script, exits };
}
