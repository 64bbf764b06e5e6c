// A certificate is fetched and renewed, and the new one is served without a failed request: our nginx files, our hook, the commands of deploy/certbot.
import { once } from 'node:events';
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { blocksOf } from '../../scripts/readme.ts';
import { open } from './support/ask.ts';
import { startAuthority, type Authority } from './support/authority.ts';
import { drill, pathOf, type Drill } from './support/drill.ts';
import { adapt, edgeOf, giveToOrdinary, shipped, untilUp, type Edge } from './support/edge.ts';
import { layOut } from './support/nginx.ts';
import { answers, freePort, start, until } from './support/processes.ts';
import { startStandIn } from './support/stand-in.ts';
import { root } from './support/world.ts';

const CUSTOMERS = 16;

const needs = { pebble: 'pebble', certbot: 'certbot', nginx: 'nginx', openssl: 'openssl' };

await drill({ name: 'certificates', needs, breaks: ['hook'] }, async (here) => {
  const { check } = here;
  const edge = await standWithoutCertificate(here);
  const [first, install, renew] = blocksOf(await shipped('certbot/README.md'), 'sh');
  if (first === undefined || install === undefined || renew === undefined) throw new Error('the README lost a command');

  const issued = await edge.type(first);
  check('the authority gave a certificate', issued.code === 0, issued.code === 0 ? undefined : issued.said);
  await edge.serveIt();
  if (here.broken !== 'hook') await edge.type(install);
  const before = await serialOf(edge);

  const load = askOnAndOn(here, edge);
  await untilAsked(load, 200);
  const renewed = await edge.type(renew);
  check('with 30 days left or more nothing is renewed', renewed.said.includes('not yet due for renewal'));
  // The test authority's last for five years.
  await edge.type(`sed -i 's/^# renew_before_expiry = .*/renew_before_expiry = 3650 days/' /etc/letsencrypt/renewal/waybill.conf`); // prettier-ignore
  const again = await edge.type(renew);
  check('certbot renewed it', again.said.includes('all renewals succeeded'), again.code);
  await until('the new one is served', async () => (await serialOf(edge)) !== before, 5000).catch(() => undefined);
  const after = await serialOf(edge);
  check('nginx serves another one', after !== before, `${before} → ${after}`);

  await edge.type('echo "nonsense;" >/etc/nginx/conf.d/nonsense.conf');
  const broken = await edge.type(renew);
  check('nginx refuses what is broken, and certbot says so', broken.said.includes('nonsense'));
  check('and the certificate is served on', (await serialOf(edge)) === after);
  await untilAsked(load, load.asked() + 200);
  await load.end();
  check('no request failed', load.failures.length === 0, `${load.asked()} asked, ${load.failures.length} failed`);
  for (const failure of load.failures.slice(0, 5)) here.say(failure);
});

type Typed = { code: number; said: string };
type Place = Edge & {
  /** A command as an operator types it, with the places of this run for those of a machine. */
  type: (command: string) => Promise<Typed>;
  /** waybill.conf for first.conf. */
  serveIt: () => Promise<void>;
};

/** nginx with first.conf, before two replicas. */
async function standWithoutCertificate(here: Drill): Promise<Place> {
  const replicas: [number, number] = [(await startStandIn(here)).port, (await startStandIn(here)).port];
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  const authority = await startAuthority(here, httpPort);
  const letsencrypt = join(here.folder, 'letsencrypt');
  for (const name of ['renewal-hooks/deploy', 'work', 'logs'])
    await mkdir(join(letsencrypt, name), { recursive: true });
  const live = join(letsencrypt, 'live/waybill');
  const certificate = { certPath: join(live, 'fullchain.pem'), keyPath: join(live, 'privkey.pem'), bothPath: '', ca: authority.root }; // prettier-ignore
  const folder = await layOut(here, { certificate, replicas }, httpPort, httpsPort);
  const site = join(folder, 'conf.d/waybill.conf');
  await copyFile(site, join(folder, 'waybill.conf'));
  await writeFile(site, adapt(await shipped('certbot/first.conf'), [[/listen 80\b/g, `listen 127.0.0.1:${httpPort}`], [/\/var\/www\/certbot/g, join(folder, 'certbot')]])); // prettier-ignore
  const nginx = ['-p', folder, '-c', 'nginx.conf', '-e', 'error.log'];
  for (const name of ['bin', 'certbot']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'bin/nginx'), `#!/bin/sh\nexec ${pathOf('nginx')} ${nginx.join(' ')} "$@"\n`);
  await chmod(join(folder, 'bin/nginx'), 0o755);
  await Promise.all([folder, letsencrypt].map(giveToOrdinary));
  const running = start('nginx', nginx, { cwd: folder });
  here.onEnd(() => running.stop('SIGQUIT'));
  const challenge = `http://127.0.0.1:${httpPort}/.well-known/acme-challenge/none`;
  await untilUp(running, () => answers(challenge, 404), join(folder, 'error.log'));
  const type = (command: string) => typed(command, { folder, letsencrypt, authority });
  const serveIt = async () => {
    await copyFile(join(folder, 'waybill.conf'), site);
    await type('nginx -t && nginx -s reload');
    await until('nginx speaks TLS', async () => (await serialOf(place)) !== '');
  };
  const place = { ...edgeOf(certificate, httpPort, httpsPort), running, accessLog: async () => [], type, serveIt };
  return place;
}

type Places = { folder: string; letsencrypt: string; authority: Authority };

/** A checkout may be closed to the account that certbot and nginx have here, so root installs from it. */
async function typed(command: string, { folder, letsencrypt, authority }: Places): Promise<Typed> {
  const ours = `--server ${authority.url} --config-dir ${letsencrypt} --work-dir ${letsencrypt}/work --logs-dir ${letsencrypt}/logs`;
  const adapted = command
    .replaceAll('/etc/letsencrypt', letsencrypt)
    .replaceAll('/var/www/certbot', join(folder, 'certbot'))
    .replaceAll('/etc/nginx', folder)
    .replace(/^(certbot .*)$/m, `$1 ${ours}`);
  const env = { HOME: folder, PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`, REQUESTS_CA_BUNDLE: authority.tlsCa }; // prettier-ignore
  const { child, log } = start('sh', ['-c', adapted], { env, cwd: root, asRoot: command.startsWith('install') });
  const [code] = (await once(child, 'close')) as [number];
  return { code, said: log.join('\n') };
}

async function serialOf(edge: Edge): Promise<string> {
  const response = await open(edge, '/api/v1/products');
  const { socket } = response.resume();
  return socket instanceof TLSSocket ? socket.getPeerCertificate().serialNumber : '';
}

/** Each request on a connection of its own, so that each sees the certificate of its moment. */
function askOnAndOn({ onEnd }: Drill, edge: Edge) {
  const failures: string[] = [];
  let asked = 0;
  const over = new AbortController();
  const customer = async () => {
    while (!over.signal.aborted) {
      const status = await open(edge, '/api/v1/products').then((one) => one.resume().statusCode, String);
      asked++;
      if (status !== 200) failures.push(String(status));
    }
  };
  const all = Promise.all(Array.from({ length: CUSTOMERS }, customer));
  const end = async () => {
    over.abort();
    await all;
  };
  onEnd(end);
  return { failures, asked: () => asked, end };
}

async function untilAsked(load: { asked: () => number }, count: number): Promise<void> {
  await until(`${count} requests were answered`, () => load.asked() >= count);
}
