// pebble, a certificate authority for tests, for which every name is this machine.
import { chmod, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { run, type Drill } from './drill.ts';
import { freePort, start, until } from './processes.ts';

export type Authority = {
  /** Its directory. */
  url: string;
  /** A file with the certificate that it shows itself. */
  tlsCa: string;
  /** What its certificates are to be checked with; made anew at each start. */
  root: string;
};

/** @param httpPort where it asks whether a name is ours: 80 elsewhere */
export async function startAuthority({ folder, onEnd }: Drill, httpPort: number): Promise<Authority> {
  const [acme, management, dns, control] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const [certificate, privateKey] = [join(folder, 'authority.pem'), join(folder, 'authority.key')];
  const how = 'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost';
  const made = run('openssl', [...how.split(' '), '-keyout', privateKey, '-out', certificate]);
  if (made.status !== 0) throw new Error(made.output);
  await chmod(privateKey, 0o644); // an ordinary account reads it, and it is worth nothing
  const addresses = { listenAddress: `127.0.0.1:${acme}`, managementListenAddress: `127.0.0.1:${management}` };
  const pebble = { ...addresses, certificate, privateKey, httpPort, tlsPort: 443, ocspResponderURL: '' };
  await writeFile(join(folder, 'pebble.json'), JSON.stringify({ pebble }));
  const names = start('pebble-challtestsrv', ['-defaultIPv6', '', '-http01', '', '-https01', '', '-tlsalpn01', '', '-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${control}`]); // prettier-ignore
  onEnd(() => names.stop());
  const authority = start('pebble', ['-config', join(folder, 'pebble.json'), '-dnsserver', `127.0.0.1:${dns}`], {
    env: { PEBBLE_VA_NOSLEEP: '1' },
  });
  onEnd(() => authority.stop());
  let root = '';
  const told = async () => (root = await read(`https://localhost:${management}/roots/0`)).includes('BEGIN CERTIFICATE');
  await until('the authority tells its root', told).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${[...authority.log, ...names.log].join('\n')}`);
  });
  return { url: `https://localhost:${acme}/dir`, tlsCa: certificate, root };
}

/** Its own certificate is not the point here. */
function read(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { rejectUnauthorized: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.once('end', () => resolve(text));
    });
    asked.once('error', reject);
    asked.end();
  });
}
