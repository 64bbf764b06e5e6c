// nginx and HAProxy with the files we ship, before two stand-ins: what they hand on, what they ask twice, what they say themselves.
import { makeCertificate, type Certificate } from './support/certificate.ts';
import { drill, type Drill } from './support/drill.ts';
import type { Edit } from './support/edge.ts';
import { checkHaproxy, startHaproxy } from './support/haproxy.ts';
import { checkNginx, startNginx } from './support/nginx.ts';
import { faults, type Proxy } from './support/proxy-faults.ts';
import { promisesOf } from './support/proxy-promises.ts';
import { ok, startStandIn } from './support/stand-in.ts';

const proxies = {
  nginx: { start: startNginx, check: checkNginx },
  haproxy: { start: startHaproxy, check: checkHaproxy },
};
const names = Object.keys(proxies) as Proxy[];
const breaks = names.flatMap((proxy) => Object.keys(faults[proxy]).map((fault) => `${proxy}:${fault}`));

await drill(
  { name: 'proxies', needs: { nginx: 'nginx', haproxy: 'haproxy', openssl: 'openssl' }, breaks, parts: names },
  async (here) => {
    const certificate = await makeCertificate(here.folder);
    for (const proxy of names.filter((one) => here.parts.includes(one))) await tryOne(here, proxy, certificate);
  },
);

async function tryOne(here: Drill, proxy: Proxy, certificate: Certificate): Promise<void> {
  const [of, planted] = here.broken?.split(':') ?? [];
  const edit = of === proxy ? faults[proxy][planted ?? '']?.edit : undefined;
  const kept = await keptBy(here, proxy, certificate, edit);
  for (const [promise, seen] of kept) here.check(`${proxy}, ${promise}`, seen === true, seen === true ? undefined : seen); // prettier-ignore
  if (here.broken !== null) return;
  for (const [fault, { edit: plant, noticedBy }] of Object.entries(faults[proxy])) {
    const kept = await keptBy(here, proxy, certificate, plant, noticedBy);
    const seen = kept.find(([promise]) => promise === noticedBy)?.[1] ?? true;
    here.check(`${proxy}, ${fault} is noticed by ${noticedBy}`, seen !== true, seen === true ? kept : undefined);
  }
}

/** @param only one promise, else all */
async function keptBy(
  here: Drill,
  proxy: Proxy,
  certificate: Certificate,
  edit?: Edit,
  only?: string,
): Promise<[string, unknown][]> {
  const [one, other] = [await startStandIn(here), await startStandIn(here)];
  const options = { certificate, replicas: [one.port, other.port] as [number, number], ...(edit && { edit }) };
  const complaint = await proxies[proxy].check(here, options);
  const results: [string, unknown][] = [['syntax', complaint ?? true]];
  if (complaint !== null || only === 'syntax') return results;
  const edge = await proxies[proxy].start(here, options);
  for (const [promise, keeps] of Object.entries(promisesOf(proxy))) {
    if (only !== undefined && only !== promise) continue;
    one.answer = other.answer = ok;
    results.push([promise, await keeps({ edge, one, other }).catch(String)]);
  }
  await edge.running.stop('SIGTERM');
  return results;
}
