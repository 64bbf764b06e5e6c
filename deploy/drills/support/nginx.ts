// nginx with our files, laid out as in /etc/nginx.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
import { answers, freePort, start } from './processes.ts';

/** What a distribution's own nginx.conf says, as far as it matters here. */
const around = `
daemon off;
worker_processes 2;
pid nginx.pid;
error_log error.log warn;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include conf.d/*.conf;
}
`;

export async function startNginx(here: Pick<Drill, 'folder' | 'onEnd'>, options: EdgeOptions): Promise<Edge> {
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  const folder = await layOut(here, options, httpPort, httpsPort);
  const running = start('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'error.log'], { cwd: folder });
  here.onEnd(() => running.stop('SIGQUIT'));
  await untilUp(
    running,
    () => answers(`http://127.0.0.1:${httpPort}/.well-known/acme-challenge/none`, 404),
    join(folder, 'error.log'),
  );
  const linesOf = async (name: string) => (await readFile(join(folder, name), 'utf8')).split('\n');
  return {
    ...edgeOf(options.certificate, httpPort, httpsPort),
    running,
    accessLog: async () => jsonLines(await linesOf('waybill.log')),
    lost: async () => (await linesOf('error.log')).filter((line) => isLost.test(line)),
  };
}

/** Not `connect() failed`: then nothing was sent. */
const isLost = /(prematurely closed|(recv|send|writev)\(\) failed).*upstream: "/;

/** @returns what nginx says against it; null when nothing */
export async function checkNginx(here: Pick<Drill, 'folder'>, options: EdgeOptions): Promise<string | null> {
  const folder = await layOut(here, options, await freePort(), await freePort());
  const { status, output } = run('nginx', ['-t', '-p', folder, '-c', 'nginx.conf', '-e', 'error.log']);
  return status === 0 && !output.includes('[warn]') ? null : output;
}

export async function layOut(
  here: Pick<Drill, 'folder'>,
  { certificate: { certPath, keyPath }, replicas: [one, other], edit = (text) => text }: EdgeOptions,
  httpPort: number,
  httpsPort: number,
): Promise<string> {
  const folder = await folderFor(here, 'nginx');
  for (const name of ['conf.d', 'waybill']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'nginx.conf'), around);
  const places: [RegExp, string][] = [
    [/^ *listen \[::\].*\n/gm, ''], // not every machine has IPv6
    [/listen 80\b/g, `listen 127.0.0.1:${httpPort}`],
    [/listen 443\b/g, `listen 127.0.0.1:${httpsPort}`],
    [/\/etc\/letsencrypt\/live\/waybill\/fullchain\.pem/g, certPath],
    [/\/etc\/letsencrypt\/live\/waybill\/privkey\.pem/g, keyPath],
    [/\/var\/log\/nginx/g, folder],
    [/\/var\/cache\/nginx\/waybill/g, join(folder, 'cache')],
    [/\/var\/www\/certbot/g, join(folder, 'certbot')],
  ];
  await writeFile(join(folder, 'conf.d/waybill.conf'), adapt(edit(await shipped('nginx/waybill.conf')), places));
  const ports: [RegExp, string][] = [
    [/127\.0\.0\.1:3001/g, `127.0.0.1:${one}`],
    [/127\.0\.0\.1:3002/g, `127.0.0.1:${other}`],
  ];
  await writeFile(
    join(folder, 'waybill/upstream.conf'),
    adapt(edit(await shipped('nginx/waybill/upstream.conf')), ports),
  );
  for (const name of ['waybill/proxy.conf', 'waybill/tls.conf'])
    await writeFile(join(folder, name), edit(await shipped(`nginx/${name}`)));
  await giveToOrdinary(folder);
  return folder;
}
