// HAProxy with our file.
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { run, type Drill } from './drill.ts';
import {
  adapt,
  edgeOf,
  folderFor,
  giveToOrdinary,
  jsonLines,
  shipped,
  untilUp,
  type Edge,
  type EdgeOptions,
} from './edge.ts';
import { freePort, start, until } from './processes.ts';

export async function startHaproxy(here: Pick<Drill, 'folder' | 'onEnd'>, options: EdgeOptions): Promise<Edge> {
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  const path = await layOut(here, options, httpPort, httpsPort);
  const running = start('haproxy', ['-W', '-db', '-f', path]);
  here.onEnd(() => running.stop('SIGTERM'));
  const isUp = async () => (await fetch(`http://127.0.0.1:${httpPort}/`, { redirect: 'manual' })).status === 308;
  await untilUp(running, isUp);
  return {
    ...edgeOf(options.certificate, httpPort, httpsPort),
    running,
    untilUsed: (port) =>
      until(`HAProxy uses ${port}`, async () => (await stateOf(join(dirname(path), 'admin.sock'), port)) === 'UP'),
    accessLog: async () => jsonLines(running.log),
  };
}

/** What HAProxy thinks of a server: columns of `show stat`. */
async function stateOf(socketPath: string, port: number): Promise<string | undefined> {
  const socket = connect(socketPath).end('show stat\n');
  let text = '';
  for await (const piece of socket.setEncoding('utf8')) text += String(piece);
  const [head = '', ...rows] = text.split('\n').map((line) => line.replace('# ', '').split(','));
  const [status, address] = ['status', 'addr'].map((name) => head.indexOf(name));
  return rows.find((row) => row[address ?? -1] === `127.0.0.1:${port}`)?.[status ?? -1];
}

/** @returns what HAProxy says against it; null when nothing */
export async function checkHaproxy(here: Pick<Drill, 'folder'>, options: EdgeOptions): Promise<string | null> {
  const path = await layOut(here, options, await freePort(), await freePort());
  const { status, output } = run('haproxy', ['-c', '-f', path]);
  return status === 0 && !output.includes('[WARNING]') ? null : output;
}

async function layOut(
  here: Pick<Drill, 'folder'>,
  { certificate: { bothPath }, replicas: [one, other], edit = (text) => text }: EdgeOptions,
  httpPort: number,
  httpsPort: number,
): Promise<string> {
  const folder = await folderFor(here, 'haproxy');
  const path = join(folder, 'haproxy.cfg');
  const places: [RegExp, string][] = [
    [/\/run\/haproxy/g, folder],
    [/bind :80\b/g, `bind 127.0.0.1:${httpPort}`],
    [/bind :443\b/g, `bind 127.0.0.1:${httpsPort}`],
    [/\/etc\/haproxy\/certs\/waybill\.pem/g, bothPath],
    [/127\.0\.0\.1:3001/g, `127.0.0.1:${one}`],
    [/127\.0\.0\.1:3002/g, `127.0.0.1:${other}`],
  ];
  await writeFile(path, adapt(edit(await shipped('haproxy/haproxy.cfg')), places));
  await giveToOrdinary(folder);
  return path;
}
