// Traces: a request is followed from HTTP through the route to SQL by a collector; without one nothing of it is even loaded.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServerProcess } from '../../../tests/support/server-process.ts';
import { createTestDatabase } from '../../../tests/support/app.ts';

type Attribute = { key: string; value: { stringValue?: string } };
type Span = { traceId: string; spanId: string; parentSpanId?: string; name: string; attributes: Attribute[] };
type Export = { resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { scope: { name: string }; spans: Span[] }[] }[] }; // prettier-ignore

let database: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => void (database = await createTestDatabase()));
afterAll(() => database.drop());

/** An OTLP/HTTP collector that keeps what it is sent. */
async function startCollector() {
  const exports: Export[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    request.on('end', () => {
      exports.push(JSON.parse(text) as Export);
      response.setHeader('Content-Type', 'application/json').end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    exports,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => exports.flatMap(({ resourceSpans }) => resourceSpans).flatMap(({ scopeSpans }) => scopeSpans).flatMap(({ scope, spans }) => spans.map((span) => ({ ...span, library: scope.name.split('instrumentation-')[1] }))), // prettier-ignore
    stop: () => void server.close(),
  };
}

/** Tells at its end which OpenTelemetry packages it had loaded; prom-client loads the API, which does nothing by itself. */
const listLoaded = `data:text/javascript,${encodeURIComponent(
  `import { Module } from 'node:module';
   process.on('exit', () => console.log('loaded ' + JSON.stringify([...new Set(Object.keys(Module._cache).flatMap((file) => file.match(/@opentelemetry.(?!api.)[\\w-]+/) ?? []))])));`,
)}`;

async function serve(env: Record<string, string>, talk: (url: string) => Promise<void>) {
  const server = await startServerProcess({
    DATABASE_URL: database.urlFor('waybill'),
    NODE_OPTIONS: `--import=${listLoaded}`,
    ...env,
  });
  await talk(server.url);
  await server.stop();
  const loaded = server.log.find((line) => line.startsWith('loaded '))?.slice('loaded '.length) ?? 'nothing was told';
  return { log: server.log, loaded: JSON.parse(loaded) as string[] };
}

describe('with an endpoint', () => {
  test('one trace, the caller’s, goes through HTTP, the route and SQL, and its id is in the log; nothing personal is', async () => {
    const collector = await startCollector();
    const traceId = 'abcdef0123456789abcdef0123456789';
    const { log, loaded } = await serve(
      { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, TRUST_PROXY: '1' },
      async (url) => {
        const headers = {
          'X-Forwarded-For': '203.0.113.7',
          traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
          'Content-Type': 'application/json',
        };
        const canary = { email: 'canary@example.com', password: 'canary-Password-1' };
        const body = JSON.stringify(canary);
        expect((await fetch(`${url}/api/v1/auth/login?canary=1`, { method: 'POST', headers, body })).status).toBe(400);
        expect((await fetch(`${url}/api/v1/auth/login`, { method: 'POST', headers, body })).status).toBe(401);
        expect((await fetch(`${url}/health`)).status).toBe(200);
      },
    );
    collector.stop();
    const spans = collector.spans();
    const trace = spans.filter((span) => span.traceId === traceId);
    const http = trace.filter(({ library }) => library === 'http');
    expect(http.map(({ parentSpanId }) => parentSpanId)).toEqual(['00f067aa0ba902b7', '00f067aa0ba902b7']);
    expect(http.map(({ name }) => name)).toContain('POST /api/v1/auth/login');
    expect(trace.map(({ library }) => library)).toEqual(expect.arrayContaining(['http', 'express', 'pg']));
    expect(trace.filter(({ name }) => name.startsWith('router'))).toEqual([]);
    const ids = new Set(trace.map(({ spanId }) => spanId));
    const pg = trace.filter(({ library }) => library === 'pg');
    expect(pg.every(({ parentSpanId = '' }) => ids.has(parentSpanId))).toBe(true);
    expect(JSON.stringify(pg)).toContain('FROM users.');
    expect(spans.filter(({ name }) => name.includes('/health'))).toEqual([]);
    expect(JSON.stringify(collector.exports)).not.toMatch(/canary|203\.0\.113/);
    expect(
      log.filter((line) => line.includes(`"traceId":"${traceId}"`) && line.includes('"msg":"request"')),
    ).toHaveLength(2);
    expect(loaded.length).toBeGreaterThan(5);
  });
});

test('without an endpoint nothing of it is loaded, and the log has the trace that the caller named', async () => {
  const traceId = '0123456789abcdef0123456789abcdef';
  const { log, loaded } = await serve({}, async (url) => {
    await fetch(`${url}/api/v1/products`, { headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } });
    await fetch(`${url}/api/v1/products`, { headers: { traceparent: `00-${traceId.toUpperCase()}"-00-01` } });
  });
  expect(loaded).toEqual([]);
  expect(log.filter((line) => line.includes('"traceId"'))).toHaveLength(1);
  expect(log.join('\n')).toContain(`"traceId":"${traceId}"`);
});
