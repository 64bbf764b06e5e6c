// A real Prometheus and Alertmanager with the files we ship; only addresses and the pace are the drill's.
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import type { Drill } from './drill.ts';
import { answers, freePort, start, until } from './processes.ts';
import { randomOnce, root } from './world.ts';

type Notice = { status: 'firing' | 'resolved'; labels: Record<string, string>; annotations: Record<string, string> };
type Edit = (text: string) => string;

export type Monitoring = {
  /** What Alertmanager has told its receivers. */
  notices: Notice[];
  query: (expr: string) => Promise<{ error?: string; result: unknown[] }>;
  metricNames: () => Promise<string[]>;
};

export async function startMonitoring(
  here: Drill,
  targets: string[],
  editRules: Edit = (text) => text,
): Promise<Monitoring> {
  const { notices, port: hookPort } = await startReceiver(here);
  const alertmanager = await startAlertmanager(here, hookPort);
  const url = await startPrometheus(here, targets, alertmanager, editRules);
  const ask = async (path: string) =>
    (await (await fetch(`${url}/api/v1/${path}`)).json()) as { error?: string; data?: unknown };
  return {
    notices,
    query: async (expr) => {
      const { error, data } = await ask(`query?query=${encodeURIComponent(expr)}`);
      return {
        ...(error !== undefined && { error }),
        result: (data as { result?: unknown[] } | undefined)?.result ?? [],
      };
    },
    metricNames: async () => ((await ask('label/__name__/values')).data ?? []) as string[],
  };
}

/** Somebody who is told. */
async function startReceiver({ onEnd }: Drill): Promise<{ notices: Notice[]; port: number }> {
  const notices: Notice[] = [];
  const port = await freePort();
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    request.on('end', () => {
      notices.push(...(JSON.parse(text) as { alerts: Notice[] }).alerts);
      response.end();
    });
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  onEnd(() => void server.close());
  return { notices, port };
}

async function startAlertmanager(here: Drill, hookPort: number): Promise<number> {
  const port = await freePort();
  const config = await put(here, 'alertmanager.yml', 'alertmanager.yml', (text) =>
    text
      .replaceAll('127.0.0.1:9094', `127.0.0.1:${hookPort}`)
      .replace('group_wait: 10s', 'group_wait: 1s')
      .replace('group_interval: 1m', 'group_interval: 1s'),
  );
  const running = start('prometheus-alertmanager', [
    `--config.file=${config}`,
    `--storage.path=${await writable(here, 'alertmanager')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ]);
  here.onEnd(() => running.stop());
  await until('Alertmanager is ready', () => answers(`http://127.0.0.1:${port}/-/ready`));
  return port;
}

async function startPrometheus(here: Drill, targets: string[], alertmanager: number, editRules: Edit): Promise<string> {
  const port = await freePort();
  const list = (hosts: string[]) => `targets: [${hosts.map((host) => `'${host}'`).join(', ')}]`;
  await writeFile(join(here.folder, 'metrics-token'), randomOnce.metrics);
  await put(here, 'alerts.yml', 'alerts.yml', (text) => editRules(text).replaceAll(/for: \w+/g, 'for: 1s'));
  const config = await put(here, 'prometheus.yml', 'prometheus.yml', (text) =>
    text
      .replaceAll(/(interval|timeout): \d+s/g, '$1: 1s')
      .replace(list(['127.0.0.1:3001', '127.0.0.1:3002']), list(targets))
      .replace(list(['127.0.0.1:9093']), list([`127.0.0.1:${alertmanager}`])),
  );
  const running = start('prometheus', [
    `--config.file=${config}`,
    `--storage.tsdb.path=${await writable(here, 'prometheus')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  here.onEnd(() => running.stop());
  const url = `http://127.0.0.1:${port}`;
  await until('Prometheus is ready', () => answers(`${url}/-/ready`)).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${running.log.slice(-10).join('\n')}`);
  });
  return url;
}

async function put({ folder }: Drill, from: string, to: string, edit: Edit): Promise<string> {
  const path = join(folder, to);
  const text = await readFile(join(root, 'deploy/prometheus', from), 'utf8');
  const edited = edit(text);
  if (edited === text) throw new Error(`${from} is not what this drill expects: nothing of it was replaced`);
  await writeFile(path, edited);
  return path;
}

async function writable({ folder }: Drill, name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  await chmod(path, 0o777);
  return path;
}
