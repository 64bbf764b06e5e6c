// Bytes that no honest client sends: each gets the answer it deserves, none an error of ours, and the server lives.
import { Agent, get } from 'node:http';
import { afterAll, describe, expect, test } from 'vitest';
import { key, startTestApp } from './support/app.ts';
import { faultsOf, hostileProbes, probe, type Target } from './support/hostile-probes.ts';

const app = await startTestApp();
afterAll(() => app.close());
const { accessToken: token, auth } = await app.signIn();
const { hostname, port } = new URL(app.url);
const target: Target = { hostname, port: Number(port), token };
const one = { keepAlive: true, maxSockets: 1 };
const probes = hostileProbes(target);

test('there are enough of them', () => expect(probes.length).toBeGreaterThanOrEqual(35));

test.each(probes)('$name', async (one) => {
  expect(faultsOf(one, await probe(target, one))).toEqual([]);
});

describe('what is judged can fail', () => {
  test.each([
    [500, 'application/problem+json', '{"status":500,"code":"x","requestId":"1"}'],
    [400, 'text/html', '<h1>Bad Request</h1>'],
    [400, 'application/problem+json', '{"status":404,"code":"x","requestId":"1"}'],
  ])('%s as %s', (status, type, body) => {
    const heard = { status, headers: { 'content-type': type, 'x-request-id': '1' }, body };
    expect(faultsOf({ name: 'one', bytes: '', statuses: [400] }, [heard])).toHaveLength(1);
  });
});

test('an order with noise after it is answered as placed, not as refused', async () => {
  const { sku } = await app.sellable();
  const body = JSON.stringify({ lines: [{ sku, quantity: 1 }] });
  const head = [
    'POST /api/v1/orders HTTP/1.1',
    `Host: ${hostname}:${port}`,
    `Authorization: ${auth.Authorization}`,
    `Idempotency-Key: ${key()['Idempotency-Key']}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  const answers = await probe(target, {
    name: 'noise',
    bytes: `${head.join('\r\n')}\r\n\r\n${body}\0\0\0\r\n\r\n`,
    statuses: [201],
  });
  expect(answers.map(({ status }) => status)).toEqual([201]);
});

test('one connection too many is closed, and those before it are served', async () => {
  const small = await startTestApp({ config: { httpConnectionsMax: 2 } });
  const [first, second, third] = [new Agent(one), new Agent(one), new Agent(one)];
  const ask = (agent: Agent) => new Promise<number | undefined>((resolve, reject) => get(`${small.url}/health`, { agent }, (answer) => resolve(answer.resume().statusCode)).once('error', reject)); // prettier-ignore
  expect([await ask(first), await ask(second)]).toEqual([200, 200]);
  await expect(ask(third)).rejects.toThrow(/ECONNRESET|socket hang up/);
  expect(await ask(first)).toBe(200);
  for (const agent of [first, second, third]) agent.destroy();
  await small.close();
});

test('after all of it the server answers as before', async () => {
  await app.api.get('/health').expect(200);
  await app.api.get('/api/v1/products').expect(200);
});
