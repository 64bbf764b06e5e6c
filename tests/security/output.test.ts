// Nothing secret and nobody's own leaves by a side door, and nothing a client sends can write a log line of its own: a real server at its most talkative.
import { randomBytes, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../support/app.ts';
import { complete, fieldsOf } from '../support/bad-values.ts';
import { callerOf, operationsOf, requestFor, worldOf, type Operation, type Request } from '../support/operations.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';

/** Each is found again wherever it turns up; letters and digits, so that no encoding hides it. */
const canary = (name: string): string => `Canary${name}${randomBytes(6).toString('hex')}`;

const configured = {
  databasePassword: canary('DbPassword'),
  metricsToken: canary('MetricsToken'),
  adminPassword: canary('AdminPassword'),
};
const said = {
  password: canary('Password'),
  wrongPassword: canary('WrongPassword'),
  email: canary('Mail').toLowerCase(),
  name: canary('Name'),
  note: canary('Note'),
  reason: canary('Reason'),
  street: canary('Street'),
  cardToken: `tok_${canary('Card')}`,
  cardNumber: '4242424242424242',
  bearer: canary('Bearer'),
  cookie: canary('Cookie'),
  apiKey: `wb_${canary('ApiKey')}`,
  idempotencyKey: canary('Key'),
  query: canary('Query'),
  userAgent: canary('Agent'),
  referer: canary('Referer'),
  refreshToken: canary('Refresh'),
  signature: canary('Signature'),
};

let app: TestApp;
let server: ServerProcess;
let admin: Person;
let operations: Operation[];
/** The text of every answer that was a problem. */
const problems: string[] = [];
/** Tokens are secrets that the server itself makes. */
const issued: string[] = [];

beforeAll(async () => {
  app = await startTestApp();
  const url = new URL(app.databaseUrlFor('waybill'));
  url.password = configured.databasePassword;
  server = await startServerProcess({
    DATABASE_URL: url.href,
    LOG_LEVEL: 'trace',
    // Mails go out here, where their tokens can be read.
    ROLE: 'web',
    METRICS_TOKEN: configured.metricsToken,
    ADMIN_EMAIL: `${said.email}@example.com`,
    ADMIN_PASSWORD: configured.adminPassword,
  });
  operations = operationsOf(app.document);
  admin = await app.signIn({ role: 'admin', password: said.password });
  issued.push(admin.accessToken, admin.refreshToken);
}, 120_000);
afterAll(async () => {
  await server.stop();
  await app.close();
});

type Answer = { status: number; body: string };

async function send({ method, path, query, headers, body }: Request, caller: Person | null): Promise<Answer> {
  const bytes = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${server.url}${path}${query}`, {
    method: method.toUpperCase(),
    headers: {
      'User-Agent': said.userAgent,
      Referer: `https://shop.example.com/?${said.referer}`,
      Cookie: `session=${said.cookie}`,
      'X-Api-Key': said.apiKey,
      ...(bytes !== undefined && { 'Content-Type': 'application/json' }),
      ...caller?.auth,
      ...headers,
    },
    ...(bytes !== undefined && { body: bytes }),
  });
  const answer = { status: response.status, body: await response.text() };
  if (answer.status >= 400) problems.push(answer.body);
  return answer;
}

describe.sequential('ASVS 16.2.5, 14.2.6 and API8:2023: canaries', { timeout: 180_000 }, () => {
  test('every operation is told secrets where they belong, and succeeds or refuses', async () => {
    const statuses: number[] = [];
    for (const operation of operations) {
      const { request, caller } = await prepared(operation);
      statuses.push((await send(withSecrets(operation, request), caller)).status);
      statuses.push((await send(withSecretId(request), caller)).status);
    }
    expect(statuses.filter((status) => status < 300).length).toBeGreaterThan(operations.length / 2);
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
  });

  test('every operation is told secrets where they do not belong, and refuses', async () => {
    for (const operation of operations) {
      const { request, caller } = await prepared(operation);
      // One after the other: beside each other some would be told that exports are busy (503).
      const answers: Answer[] = [];
      for (const one of misplaced(request)) answers.push(await send(one, caller));
      expect({ id: operation.id, failed: answers.filter(({ status }) => status >= 500) }).toEqual({
        id: operation.id,
        failed: [],
      });
    }
  });

  test('a person registers, logs in rightly and wrongly, and renews with the wrong token', async () => {
    const post = (path: string, body: object) =>
      send({ method: 'post', path: `/api/v1${path}`, query: '', headers: {}, body }, null);
    const email = `${said.email}-2@example.com`;
    const registration = { email, name: said.name, password: said.password };
    expect((await post('/users', registration)).status).toBe(201);
    expect((await post('/users', registration)).status).toBe(409);
    expect((await post('/users', { ...registration, password: email })).status).toBe(400);
    const login = await post('/auth/login', { email, password: said.password });
    const { data } = JSON.parse(login.body) as { data: { accessToken: string; refreshToken: string } };
    issued.push(data.accessToken, data.refreshToken);
    expect((await post('/auth/login', { email, password: said.wrongPassword })).status).toBe(401);
    expect((await post('/auth/refresh', { refreshToken: said.refreshToken })).status).toBe(401);
    expect((await post('/auth/refresh', { refreshToken: data.refreshToken })).status).toBe(200);
  });

  test('the database itself fails with a customer’s values in its message', async () => {
    await app.sql(`ALTER TABLE users.users ADD CONSTRAINT no_canaries CHECK (name NOT LIKE 'Canary%') NOT VALID`);
    const body = { email: `${said.email}-3@example.com`, name: said.name, password: said.password };
    const { status } = await send({ method: 'post', path: '/api/v1/users', query: '', headers: {}, body }, null);
    await app.sql('ALTER TABLE users.users DROP CONSTRAINT no_canaries');
    expect(status).toBe(500);
  });

  test('none is in the log, in a problem, in the metrics, among the audit entries', async () => {
    const response = await fetch(`${server.url}/metrics`, {
      headers: { Authorization: `Bearer ${configured.metricsToken}` },
    });
    expect(response.status).toBe(200);
    const audited = await app.sql('SELECT * FROM audit.entries');
    const places: Record<string, string> = {
      log: server.log.join('\n'),
      problems: problems.join('\n'),
      metrics: await response.text(),
      audit: JSON.stringify(audited),
    };
    const secrets = { ...configured, ...said, ...serverSecrets, ...Object.fromEntries(issued.entries()) };
    expect(Object.keys(secrets).length).toBeGreaterThanOrEqual(20);
    expect(server.log.length).toBeGreaterThan(operations.length);
    expect(problems.length).toBeGreaterThan(operations.length);
    const found = Object.entries(places).flatMap(([place, text]) =>
      Object.entries(secrets)
        .filter(([, secret]) => text.toLowerCase().includes(secret.toLowerCase()))
        .map(([name]) => `${name} in ${place}`),
    );
    // Why staff did something is what the trail is for.
    expect(found.filter((one) => one !== 'reason in audit')).toEqual([]);
  });
});

/** By somebody new each time: some operations end the login, or the account. */
async function prepared(operation: Operation): Promise<{ request: Request; caller: Person | null }> {
  const customer = await app.signIn({ password: said.password });
  issued.push(customer.accessToken, customer.refreshToken);
  const caller = callerOf(operation, { customer, admin });
  return { request: await requestFor(app, operation, worldOf(app, customer), caller), caller };
}

/** Of tests/support/server-process.ts. */
const serverSecrets = {
  jwtSecret: 'test-only-jwt-secret-0123456789abcdefghijklmnop',
  providerSecret: 'test-only-provider-secret',
};

const byName: Record<string, unknown> = {
  name: said.name,
  note: said.note,
  reason: said.reason,
  line1: said.street,
  line2: said.street,
  city: said.street,
};

/** The example, with every free text about a person a canary. */
function withSecrets(operation: Operation, request: Request): Request {
  if (operation.body === null || operation.isRaw) return request;
  const whole = fieldsOf(operation.body).some(({ name }) => name in byName)
    ? complete(operation.body, request.body)
    : request.body;
  const body: unknown = JSON.parse(JSON.stringify(whole ?? {}, (name, value: unknown) => byName[name] ?? value));
  const { expectedTotal: _total, customerId: _customer, ...rest } = body as Record<string, unknown>;
  return { ...request, body: rest };
}

/** What looks like an id and is a secret. */
const withSecretId = (request: Request): Request => ({
  ...request,
  path: request.path.replace(/[0-9a-f-]{36}/, '01939d3a-7c1e-7b1a-8f00-0000000000fe'),
  headers: {
    ...request.headers,
    ...('Idempotency-Key' in request.headers && key(`${said.idempotencyKey}-${randomUUID()}`)),
  },
});

function misplaced(request: Request): Request[] {
  const { headers } = request;
  return [
    { ...request, query: `?secret=${said.query}&token=${said.bearer}` },
    { ...request, headers: { ...headers, Authorization: `Bearer ${said.bearer}` } },
    { ...request, headers: { ...headers, Authorization: `Basic ${said.bearer}` } },
    { ...request, headers: { ...headers, 'Idempotency-Key': `${said.idempotencyKey} ${said.idempotencyKey}` } },
    { ...request, headers: { ...headers, 'If-Match': `"${said.query}"` } },
    { ...request, headers: { ...headers, 'Waybill-Test-Signature': `t=1,v1=${said.signature}` } },
    ...(request.body === undefined
      ? []
      : [
          {
            ...request,
            body: { password: { value: said.password }, token: [said.cardToken], cardNumber: said.cardNumber },
          },
          { ...request, body: `{"password":"${said.password}` },
          { ...request, body: JSON.stringify(said.cardToken) },
        ]),
  ];
}

describe('ASVS 16.4.1: a line of the log is not for clients to write', () => {
  const forgery = '{"level":"fatal","msg":"forged"}';
  const raw = async (bytes: string) => {
    const { hostname, port } = new URL(server.url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => undefined).on('data', () => socket.setTimeout(100));
    socket.setTimeout(10_000, () => socket.destroy());
    socket.write(Buffer.from(bytes, 'latin1'));
    await once(socket, 'close');
  };
  const attacks: Record<string, string> = {
    'CR LF in a path': `GET /api/v1/x%0d%0a${encodeURIComponent(forgery)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    'ANSI in a path': 'GET /api/v1/%1b[31mred HTTP/1.1\r\nHost: x\r\n\r\n',
    'raw ESC in a path': 'GET /api/v1/\x1b[31mred HTTP/1.1\r\nHost: x\r\n\r\n',
    'raw CSI (U+009B) in a path': 'GET /api/v1/\x9b31mred HTTP/1.1\r\nHost: x\r\n\r\n',
    'raw UTF-8 of U+2028 in a path': 'GET /api/v1/\xe2\x80\xa8red HTTP/1.1\r\nHost: x\r\n\r\n',
    'quotes in a path': `GET /api/v1/","level":"fatal HTTP/1.1\r\nHost: x\r\n\r\n`,
    'ESC in an origin': 'GET /api/v1/products HTTP/1.1\r\nHost: x\r\nOrigin: https://x\x1b[31m\r\n\r\n',
    'CSI in an origin': 'GET /api/v1/products HTTP/1.1\r\nHost: x\r\nOrigin: https://x\x9b31m\r\n\r\n',
    'quotes in an origin': `GET /api/v1/products HTTP/1.1\r\nHost: x\r\nOrigin: "${forgery}\r\n\r\n`,
    'CR LF in a request id': `GET /api/v1/products HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\n ${forgery}\r\n\r\n`,
    'quotes in a request id': `GET /api/v1/products HTTP/1.1\r\nHost: x\r\nX-Request-Id: ","level":"fatal\r\n\r\n`,
    'quotes in a forwarded address': `GET /api/v1/products HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${forgery}\r\n\r\n`,
    'ANSI in a method': '\x1b[31mGET /health HTTP/1.1\r\nHost: x\r\n\r\n',
  };

  test('every line stays one JSON object of ours, without a character that a terminal obeys', async () => {
    const from = server.log.length;
    for (const bytes of Object.values(attacks)) await raw(bytes);
    await expect.poll(() => server.log.length - from).toBeGreaterThanOrEqual(6);
    const lines = server.log.slice(from);
    for (const line of lines) {
      const { level, service, msg } = JSON.parse(line) as Record<string, string>;
      expect({ level, service, msg }).not.toMatchObject({ level: 'fatal' });
      expect({ service, msg }).not.toMatchObject({ msg: 'forged' });
      expect(service).toBe('waybill');
    }
    // oxlint-disable-next-line no-control-regex -- that is what is looked for
    expect(lines.filter((line) => /[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(line))).toEqual([]);
  });
});
