// A certificate for shop.example that lasts as long as a drill.
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './drill.ts';

export const HOST = 'shop.example';

export type Certificate = { certPath: string; keyPath: string; bothPath: string; ca: string };

export async function makeCertificate(folder: string): Promise<Certificate> {
  const [certPath, keyPath, bothPath] = ['cert.pem', 'key.pem', 'waybill.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const how = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${HOST} -addext subjectAltName=DNS:${HOST}`;
  const { status, output } = run('openssl', [...how.split(' '), '-keyout', keyPath, '-out', certPath]);
  if (status !== 0) throw new Error(`openssl ended with ${status}: ${output}`);
  const [ca, key] = await Promise.all([certPath, keyPath].map((path) => readFile(path, 'utf8')));
  await writeFile(bothPath, `${ca}${key}`);
  await chmod(keyPath, 0o644); // an ordinary account starts the proxies; the key is worth nothing
  return { certPath, keyPath, bothPath, ca: ca ?? '' };
}
