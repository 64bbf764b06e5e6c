// What must hold of every service of a resolved compose file, and of those that run Waybill.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../../shared/config/config.ts';
import { isSetting, secretNames } from './settings.ts';

export type Service = {
  image: string;
  environment?: Record<string, string>;
  secrets?: { source: string }[];
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  healthcheck?: object;
  stop_grace_period?: string;
  mem_limit?: string;
  ports?: (string | { published: number; target: number })[];
  volumes?: string[];
  networks?: Record<string, { ipv4_address?: string } | null>;
};
export type Composed = { services: Record<string, Service>; secrets: Record<string, { file: string }> };

/** @param waybill the image that is ours @returns one line for each thing that is wrong */
export function brokenRules({ services, secrets }: Composed, waybill: string): string[] {
  const all = Object.entries(services);
  const ours = all.filter(([, { image }]) => image === waybill);
  return [
    ...all.flatMap(([name, service]) => confinementFaults(name, service, waybill)),
    ...all.flatMap(([name, service]) => fileFaults(name, service, secrets)),
    ...ours.flatMap(([name, service]) => settingFaults(name, service, secrets)),
    ...(ours.length < 4 ? [`only ${ours.length} services run ${waybill}`] : []),
  ];
}

function confinementFaults(name: string, service: Service, waybill: string): string[] {
  const { image, ports = [] } = service;
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  const isOurs = image === waybill;
  const isOpen = (port: string | object) => typeof port !== 'string' || !port.startsWith('127.0.0.1:');
  return told(name, {
    'may write to its root': service.read_only !== true,
    'keeps capabilities': service.cap_drop?.join() !== 'ALL',
    'may gain privileges': service.security_opt?.includes('no-new-privileges:true') !== true,
    [`has an image that is not pinned: ${image}`]: tag === undefined || tag === 'latest',
    // Ours brings its own.
    'is never asked for its health': !isOurs && service.healthcheck === undefined,
    'is open to the world': name !== 'nginx' && ports.some(isOpen),
    'may take all memory': isOurs && service.mem_limit === undefined,
    'is killed before it has given up': isOurs && seconds(service.stop_grace_period) * 1000 <= loadConfig({}).shutdownTimeoutMs, // prettier-ignore
  });
}

/** What is mounted has to be there; a secret has to be a file of its own, and to be asked for. */
function fileFaults(name: string, service: Service, secrets: Composed['secrets']): string[] {
  const { volumes = [], environment = {} } = service;
  const paths = volumes.map((volume) => volume.split(':')[0] ?? '').filter((path) => path.startsWith('/'));
  const given = (service.secrets ?? []).map(({ source }) => source);
  const named = Object.values(environment).flatMap((value) => /^\/run\/secrets\/(.*)$/.exec(value)?.[1] ?? []);
  return [
    ...[...paths, ...given.map((source) => secrets[source]?.file ?? source)].filter((path) => !existsSync(path)).map((path) => `${name}: ${path} is not there`), // prettier-ignore
    ...named.filter((secret) => !given.includes(secret)).map((secret) => `${name} is not given the secret ${secret}`),
    ...Object.keys(environment).filter((key) => /PASSWORD$|SECRET$|TOKEN$/.test(key) || secretNames.has(key)).map((key) => `${name} is told ${key} in the open`), // prettier-ignore
  ];
}

/** As the program would judge them, with the files in the place of the mounted ones; what it does not know it would not miss. */
function settingFaults(name: string, { environment = {} }: Service, secrets: Composed['secrets']): string[] {
  const unknown = Object.keys(environment).filter((key) => !isSetting(key));
  if (unknown.length > 0) return [`${name} is told ${unknown.join(', ')}, which the configuration does not know`];
  const fileOf = (value: string) => secrets[/^\/run\/secrets\/(.*)$/.exec(value)?.[1] ?? '']?.file ?? value;
  try {
    loadConfig(Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, fileOf(value)])));
    return [];
  } catch (error) {
    return [`${name}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** nginx finds the replicas by their addresses, Prometheus every process of ours by its name. */
export function addressFaults({ services }: Composed, folder: string, waybill: string): string[] {
  const ours = Object.entries(services).filter(([name, { image }]) => image === waybill && name !== 'migration');
  const addresses = ours.flatMap(([, { networks }]) => networks?.['inside']?.ipv4_address ?? []);
  const upstream = [...readFileSync(join(folder, 'upstream.conf'), 'utf8').matchAll(/server ([\d.]+):3000 max_fails=0;/g)].map(([, address]) => address); // prettier-ignore
  const targets = [...readFileSync(join(folder, 'prometheus.yml'), 'utf8').matchAll(/'([\w-]+):3000'/g)].map(([, name]) => name); // prettier-ignore
  return told('compose/', {
    'upstream.conf names other addresses than the web services have': addresses.length < 2 || upstream.join() !== addresses.join(), // prettier-ignore
    'prometheus.yml asks others than there are': targets.join() !== ours.map(([name]) => name).join(),
  });
}

/** `1m30s` → 90. */
function seconds(duration = '10s'): number {
  const [, minutes = '0', rest = '0'] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration) ?? [];
  return Number(minutes) * 60 + Number(rest);
}

function told(who: string, faults: Record<string, boolean>): string[] {
  return Object.entries(faults).filter(([, isSo]) => isSo).map(([fault]) => `${who} ${fault}`); // prettier-ignore
}
