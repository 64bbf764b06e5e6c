// What a proxy before Waybill has to do, each thing tried: on a request, on a failure, with its own answers.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type SecureVersion } from 'node:tls';
import { ask, askInClear, open, type Asked } from './ask.ts';
import type { Edge } from './edge.ts';
import { until } from './processes.ts';
import type { Proxy } from './proxy-faults.ts';
import { busy, hangUp, type StandIn } from './stand-in.ts';

export type Promises = Record<string, (stage: Stage) => Promise<unknown>>;
/** The proxy, and the two it stands before. */
type Stage = { edge: Edge; one: StandIn; other: StandIn };

const keyed = { method: 'POST', headers: { 'Idempotency-Key': 'a-key-of-a-drill' }, body: '{}' };
const json = (headers: Record<string, string> = {}) => ({ 'Content-Type': 'application/json', ...headers });

/** Each resolves to true when it is kept, and otherwise to what was seen. */
const promises: Promises = {
  redirect: async ({ edge }) => same(await askInClear(edge, '/orders?a=1'), [308, 'https://shop.example/orders?a=1']),
  tls: async ({ edge }) =>
    same(await Promise.all([greet(edge, 'TLSv1.1'), greet(edge, 'TLSv1.2'), greet(edge, 'TLSv1.3')]), [
      'refused',
      'TLSv1.2 h2',
      'TLSv1.3 h2',
    ]),
  address: async ({ edge, one, other }) => {
    await ask(edge, '/', { headers: { 'X-Forwarded-For': '203.0.113.9', Forwarded: 'for=203.0.113.9', 'X-Forwarded-Host': 'evil.example' } }); // prettier-ignore
    const { headers } = lastOf(one, other);
    const names = ['x-forwarded-for', 'forwarded', 'x-forwarded-host', 'x-forwarded-proto', 'host'];
    return same(
      names.map((name) => headers[name] ?? ''),
      ['127.0.0.1', '', '', 'https', 'shop.example'],
    );
  },
  id: async ({ edge, one, other }) => {
    const idFor = async (sent: string) => {
      const answered = await ask(edge, '/', { headers: { 'X-Request-Id': sent } });
      const got = lastOf(one, other).headers['x-request-id'];
      return answered.header('x-request-id').every((value) => value === got) ? String(got) : 'another';
    };
    const [kept, ...made] = [await idFor('mine-1'), await idFor('two words'), await idFor('x'.repeat(129))];
    const isMade = made.every((id) => /^[\da-f-]{32,36}$/.test(id)) && new Set(made).size === made.length;
    return (kept === 'mine-1' && isMade) || { kept, made };
  },
  log: async ({ edge }) => {
    await ask(edge, '/api/v1/products?q=canary', { headers: { 'X-Request-Id': 'in-the-log', Cookie: 'a=canary' } });
    const find = async () => (await edge.accessLog()).find(({ requestId }) => requestId === 'in-the-log');
    await until('the line is written', async () => (await find()) !== undefined, 5000);
    const line = await find();
    return (line?.['path'] === '/api/v1/products' && !JSON.stringify(line).includes('canary')) || line;
  },
  again: async ({ edge, one, other }) => {
    one.answer = hangUp;
    const statuses = await statusesOf(4, () => ask(edge, '/api/v1/orders', keyed));
    const reads = await statusesOf(4, () => ask(edge, '/api/v1/products'));
    one.answer = busy;
    const refused = await statusesOf(4, () => ask(edge, '/api/v1/orders', keyed));
    return same(
      [statuses, reads, refused, one.seen.length > 0 && other.seen.length > 0],
      [all200, all200, all200, true],
    );
  },
  once: async ({ edge, one, other }) => {
    one.answer = other.answer = hangUp;
    const before = seenBy(one, other);
    const answered = await ask(edge, '/api/v1/auth/login', { method: 'POST', body: '{}' });
    return same([seenBy(one, other) - before, answered.status], [1, 503]);
  },
  nobody: async ({ edge, one, other }) => {
    one.answer = other.answer = hangUp;
    const answered = await ask(edge, '/api/v1/orders', keyed);
    const names = ['content-type', 'retry-after', 'cache-control'];
    const { code, requestId } = JSON.parse(answered.text) as Record<string, unknown>;
    return same(
      [answered.status, ...names.map((name) => answered.header(name).join()), code, requestId],
      [503, 'application/problem+json', '1', 'no-store', 'unavailable', answered.header('x-request-id').join()],
    );
  },
  stream: async ({ edge, one, other }) => {
    one.answer = other.answer = (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/csv', 'X-Accel-Buffering': 'no' }).write('number,id\r\n');
    };
    const response = await open(edge, '/api/v1/orders/export').catch(() => null);
    const first = response && (await Promise.race([once(response, 'data'), once(response, 'error')]));
    response?.once('error', () => undefined).destroy();
    return String(first?.[0]) === 'number,id\r\n' || String(first?.[0]);
  },
  etag: async ({ edge, one, other }) => {
    one.answer = other.answer = (_request, response) =>
      void response.writeHead(200, { ...json(), ETag: '"3"' }).end(`{"data":"${'x'.repeat(5000)}"}`);
    const answered = await ask(edge, '/api/v1/orders/1', { headers: { 'Accept-Encoding': 'gzip' } });
    return same(answered.header('etag'), ['"3"']);
  },
  gzip: async ({ edge, one, other }) => {
    one.answer = other.answer = (_request, response) =>
      void response.writeHead(200, { 'Content-Type': 'text/csv; charset=utf-8' }).end('number,id\r\n'.repeat(1000));
    const { header } = await ask(edge, '/api/v1/orders/export', { headers: { 'Accept-Encoding': 'gzip' } });
    return same([header('content-encoding'), header('vary')], [['gzip'], ['Accept-Encoding']]);
  },
  headers: async ({ edge, one, other }) => {
    const owned = { 'Content-Security-Policy': "default-src 'none'", 'Strict-Transport-Security': 'max-age=1', 'X-Content-Type-Options': 'nosniff', 'X-Request-Id': 'own', 'Cache-Control': 'no-store' }; // prettier-ignore
    one.answer = other.answer = (_request, response) => void response.writeHead(200, { ...json(), ...owned }).end('{}');
    const { header } = await ask(edge, '/api/v1/orders/1');
    return same(Object.keys(owned).map((name) => header(name).length), Object.keys(owned).map(() => 1)); // prettier-ignore
  },
  metrics: async ({ edge, one, other }) => {
    const before = seenBy(one, other);
    const { status } = await ask(edge, '/metrics');
    return same([status, seenBy(one, other) - before], [404, 0]);
  },
};

/** What only one of them does. */
const own: Record<Proxy, Promises> = {
  nginx: {
    stranger: async ({ edge }) => same(await greet({ ...edge, servername: 'other.example' }, 'TLSv1.3'), 'refused'),
    size: async ({ edge }) => {
      const { status, text } = await ask(edge, '/api/v1/orders', { ...keyed, body: 'x'.repeat(300_000) });
      return same([status, (JSON.parse(text) as { code: string }).code], [413, 'body_too_large']);
    },
    assets: async ({ edge, one, other }) => {
      one.answer = other.answer = (_request, response) =>
        void response
          .writeHead(200, { 'Cache-Control': 'public, max-age=86400, immutable', 'X-Request-Id': 'first', 'Content-Type': 'text/css' })
          .end('a{}'); // prettier-ignore
      const path = `/docs/assets/drill-${Math.random()}.css`;
      const before = seenBy(one, other);
      await ask(edge, path, { headers: { 'X-Request-Id': 'first' } });
      const { header, text } = await ask(edge, path, { headers: { 'X-Request-Id': 'second' } });
      return same(
        [seenBy(one, other) - before, text, header('x-request-id'), header('cache-control')],
        [1, 'a{}', ['second'], ['public, max-age=86400, immutable']],
      );
    },
    list: async ({ edge, one, other }) => {
      one.answer = other.answer = (_request, response) =>
        void response.writeHead(200, json()).end(`{"data":["${'x'.repeat(5000)}"]}`);
      const { header } = await ask(edge, '/api/v1/products', { headers: { 'Accept-Encoding': 'gzip' } });
      return same(header('content-encoding'), ['gzip']);
    },
  },
  haproxy: {
    health: async ({ edge, one, other }) => {
      const reached = async () => {
        const before = one.seen.length;
        await statusesOf(4, () => ask(edge, '/'));
        return one.seen.length - before;
      };
      one.isReady = false;
      await until('nobody is sent to it', async () => (await reached()) === 0, 6000);
      one.isReady = true;
      await until('it is sent to again', async () => (await reached()) > 0, 6000);
      return other.seen.length > 0;
    },
  },
};

export const promisesOf = (proxy: Proxy): Promises => ({ ...promises, ...own[proxy] });

const all200 = [200, 200, 200, 200];

const statusesOf = async (times: number, question: () => Promise<Asked>): Promise<number[]> => {
  const statuses: number[] = [];
  for (let i = 0; i < times; i++) statuses.push((await question()).status);
  return statuses;
};

const seenBy = (...standIns: StandIn[]): number => standIns.reduce((sum, { seen }) => sum + seen.length, 0);

/** What came last, to whichever of them. */
function lastOf(one: StandIn, other: StandIn): IncomingMessage {
  const latest = [one, other].flatMap(({ seen, seenAt }) => seen.slice(-1).map((request) => ({ request, at: seenAt })));
  const [first] = latest.toSorted((a, b) => b.at - a.at);
  if (first === undefined) throw new Error('nothing came');
  return first.request;
}

/** True, or what was seen instead. */
const same = (seen: unknown, wanted: unknown): true | { seen: unknown; wanted: unknown } =>
  JSON.stringify(seen) === JSON.stringify(wanted) || { seen, wanted };

/** One handshake in exactly this version: what was agreed on. */
async function greet({ httpsPort, ca, servername }: Edge, version: SecureVersion): Promise<string> {
  const socket = connect({
    port: httpsPort,
    host: '127.0.0.1',
    ca,
    servername,
    minVersion: version,
    maxVersion: version,
    ciphers: 'DEFAULT@SECLEVEL=0', // else OpenSSL itself would not offer 1.1
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  const agreed = await once(socket, 'secureConnect').then(() => `${socket.getProtocol()} ${String(socket.alpnProtocol)}`, () => 'refused'); // prettier-ignore
  socket.destroy();
  return agreed;
}
