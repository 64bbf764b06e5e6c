// Every operation of the OpenAPI document, and a valid request for it made from its path, its parameters and its example.
import { createHmac, randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import { key, type Person, type TestApp } from './app.ts';

export type Schema = {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  examples?: unknown[];
  maxLength?: number;
  enum?: unknown[];
  [keyword: string]: unknown;
};
export type Parameter = { in: 'path' | 'query' | 'header'; name: string; required?: boolean; schema: Schema };
export type Method = 'get' | 'post' | 'patch' | 'put' | 'delete';
export type Operation = {
  id: string;
  method: Method;
  /** As documented, `{id}` and all. */
  path: string;
  isPublic: boolean;
  permissions: string[];
  parameters: Parameter[];
  body: Schema | null;
  isBodyRequired: boolean;
  /** Whatever comes is accepted as bytes, and judged by its signature. */
  isRaw: boolean;
  statuses: number[];
  /** Of all its problems. */
  codes: string[];
};
export type Request = {
  method: Method;
  path: string;
  query: string;
  headers: Record<string, string>;
  body: unknown;
};

type Media = Record<string, { schema: Schema }>;
type Documented = {
  operationId: string;
  security: object[];
  'x-permissions'?: string[];
  parameters?: Parameter[];
  requestBody?: { required: boolean; content: Media };
  responses: Record<string, { content?: Media }>;
};
type Document = { paths: Record<string, Record<string, Documented>>; components: { schemas: Record<string, Schema> } };

/** The document as it is sent, not as zod-openapi's types describe it. */
const plain = (document: object): Document => JSON.parse(JSON.stringify(document)) as Document;

export function operationsOf(document: object): Operation[] {
  const { paths, components } = plain(document);
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, one]) => describe(method as Method, path, one, components.schemas)),
  );
}

function describe(method: Method, path: string, one: Documented, schemas: Record<string, Schema>): Operation {
  const content = one.requestBody?.content['application/json'];
  const body = content === undefined ? null : resolve(content.schema, schemas);
  const problems = Object.values(one.responses).flatMap(
    ({ content: media }) => media?.['application/problem+json'] ?? [],
  );
  return {
    id: one.operationId,
    method,
    path,
    isPublic: one.security.length === 0,
    permissions: one['x-permissions'] ?? [],
    parameters: one.parameters ?? [],
    body,
    isBodyRequired: one.requestBody?.required ?? false,
    isRaw: body !== null && typeof body['additionalProperties'] === 'object',
    statuses: Object.keys(one.responses).map(Number),
    codes: problems.flatMap(({ schema }) => (schema.properties?.['code']?.enum ?? []) as string[]),
  };
}

/** Without any `$ref`, so that a schema can be walked. */
function resolve(schema: Schema, schemas: Record<string, Schema>): Schema {
  const { $ref, ...own } = schema;
  const named: Schema = $ref === undefined ? own : { ...schemas[$ref.replace('#/components/schemas/', '')], ...own };
  return {
    ...named,
    ...(named.properties && {
      properties: Object.fromEntries(
        Object.entries(named.properties).map(([name, one]) => [name, resolve(one, schemas)]),
      ),
    }),
    ...(named.items && { items: resolve(named.items, schemas) }),
    ...(named.anyOf && { anyOf: named.anyOf.map((one) => resolve(one, schemas)) }),
  };
}

/** What the examples of the document cannot know: the things of this test. Each is made when a request needs it. */
export type World = {
  owner: Person;
  sku: () => Promise<string>;
  /** A login of the owner that nothing else uses. */
  login: () => Promise<Person>;
  /** One-time tokens, as they come by mail to people whom nothing else needs. */
  verificationToken: () => Promise<string>;
  resetToken: () => Promise<string>;
  /** By collection: the owner's order, a product, …; by operation where not any of them will do. */
  ids: Record<string, () => Promise<string>>;
};

export function worldOf(app: TestApp, owner: Person): World {
  const sku = async () => (await app.sellable()).sku;
  const order = async () =>
    idOf(
      await app.api
        .post('/api/v1/orders')
        .set(owner.auth)
        .set(key())
        .send({ lines: [{ sku: await sku(), quantity: 1 }] })
        .expect(201),
    );
  const authorize = async (orderId: string) =>
    idOf(
      await app.api
        .post(`/api/v1/orders/${orderId}/payments`)
        .set(owner.auth)
        .set(key())
        .send({ token: 'tok_ok', capture: false })
        .expect(201),
    );
  const confirmed = async () => {
    const orderId = await order();
    await authorize(orderId);
    return orderId;
  };
  const paid = async () => {
    const orderId = await order();
    const payment = { token: 'tok_ok' };
    await app.api.post(`/api/v1/orders/${orderId}/payments`).set(owner.auth).set(key()).send(payment).expect(201);
    return orderId;
  };
  const warehouse = once(() => app.signIn({ role: 'warehouse' }));
  const send = async (orderId: string) =>
    idOf(
      await app.api
        .post(`/api/v1/orders/${orderId}/fulfillments`)
        .set((await warehouse()).auth)
        .set(key())
        .expect(201),
    );
  return {
    owner,
    sku,
    login: () => app.signIn(),
    verificationToken: () => verificationToken(app),
    resetToken: () => resetToken(app),
    ids: {
      products: async () => (await app.sellable()).productId,
      orders: order,
      payments: async () => authorize(await order()),
      users: async () => (await app.signIn()).userId,
      addresses: () => keepAddress(app, owner),
      'api-keys': async () => (await makeKey(app, ['stock:read'])).id,
      sessions: () => openSession(app, owner),
      fulfilOrder: confirmed,
      createRefund: paid,
      fulfillments: async () => send(await confirmed()),
    },
  };
}

/** One more login of this person. @returns the session's id, which its access token names */
export async function openSession({ api }: TestApp, { email, password }: Person): Promise<string> {
  const { body } = await api.post('/api/v1/auth/login').send({ email, password }).expect(200);
  return String(decodeJwt((body.data as { accessToken: string }).accessToken)['sid']);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

async function verificationToken(app: TestApp): Promise<string> {
  const email = `verify-${randomUUID()}@example.com`;
  await app.api.post('/api/v1/users').send({ email, name: 'New', password: 'correct horse battery' }).expect(201);
  return app.mailedToken(email);
}

async function resetToken(app: TestApp): Promise<string> {
  const { email } = await app.signIn();
  await app.api.post('/api/v1/auth/forgot-password').send({ email }).expect(202);
  return app.mailedToken(email);
}

export async function keepAddress({ api }: TestApp, { auth }: Person, more: object = {}): Promise<string> {
  const address = { name: 'Ada Lovelace', line1: '12 St James’s Square', city: 'London', country: 'GB', ...more };
  return idOf(await api.post('/api/v1/users/me/addresses').set(auth).send(address).expect(201));
}

/** A key for a program, made by an admin of its own. */
export async function makeKey({ api, signIn }: TestApp, scopes: string[], more: object = {}) {
  const { auth } = await signIn({ role: 'admin' });
  const { body } = await api
    .post('/api/v1/api-keys')
    .set(auth)
    .send({ name: 'Scanner', scopes, ...more })
    .expect(201);
  const { id, secret, prefix } = body.data as { id: string; secret: string; prefix: string };
  return { id, secret, prefix, auth: { Authorization: `Bearer ${secret}` } };
}

const idOf = ({ body }: { body: { data: unknown } }): string => (body.data as { id: string }).id;

/** Whoever does this is logged out by it, and brings a login of their own. */
export const spendsLogin = ({ id }: Pick<Operation, 'id'>): boolean =>
  ['logOut', 'changeMyPassword', 'deleteMyAccount'].includes(id);

/** A request that succeeds for whoever may make it. */
export async function requestFor(
  app: TestApp,
  operation: Operation,
  world: World,
  caller: Person | null = null,
): Promise<Request> {
  const path = await pathFor(operation, world);
  const { body, headers = {} } = await bodyFor(operation, world);
  return {
    method: operation.method,
    path,
    query: '',
    body,
    headers: { ...(await headersFor(app, operation, path, caller)), ...headers },
  };
}

async function pathFor({ id, path, parameters }: Operation, world: World): Promise<string> {
  const steps = path.split('/').map(async (step, i, all) => {
    const parameter = parameters.find((one) => one.in === 'path' && step === `{${one.name}}`);
    if (parameter === undefined) return step;
    return step === '{id}' ? idIn(id, all[i - 1] ?? '', world) : String(parameter.schema.examples?.[0]);
  });
  return `/api/v1${(await Promise.all(steps)).join('/')}`;
}

function idIn(operation: string, collection: string, { ids }: World): Promise<string> {
  const make = ids[operation] ?? ids[collection];
  if (make === undefined) throw new Error(`nothing makes one of /${collection}: add it to worldOf`);
  return make();
}

async function headersFor(
  app: TestApp,
  { parameters }: Operation,
  path: string,
  caller: Person | null,
): Promise<Record<string, string>> {
  const needs = (name: string) => parameters.some((one) => one.in === 'header' && one.name === name);
  return {
    ...(needs('Idempotency-Key') && key()),
    ...(needs('If-Match') && { 'If-Match': await etagOf(app, path, caller) }),
  };
}

async function etagOf(app: TestApp, path: string, caller: Person | null): Promise<string> {
  const { headers } = await app.api.get(path).set(caller?.auth ?? {});
  return headers['etag'] ?? '"1"';
}

/** Who is answered with success: the customer whose things they are, else an admin; nobody where no token is looked at. */
export function callerOf<Caller>(
  { isPublic, permissions }: Operation,
  { customer, admin }: { customer: Caller; admin: Caller },
): Caller | null {
  if (isPublic) return null;
  return permissions.includes('orders:own') || permissions.includes('account:own') ? customer : admin;
}

type Sent = { body: unknown; headers?: Record<string, string> };

async function bodyFor(operation: Operation, world: World): Promise<Sent> {
  const example = structuredClone(operation.body?.examples?.[0]);
  const complete = completions[operation.id];
  if (complete !== undefined) return complete(example, world);
  if (operation.body !== null && operation.isBodyRequired && example === undefined)
    throw new Error(`${operation.id} has no example of its body`);
  return { body: example };
}

const SECRET = 'test-only-provider-secret';

/** Where the example names something that has to be there, or must not be there yet. */
const completions: Record<string, (example: unknown, world: World) => Promise<Sent>> = {
  registerUser: async (example) => ({ body: { ...(example as object), email: `new-${randomUUID()}@example.com` } }),
  logIn: async (_example, { owner: { email, password } }) => ({ body: { email, password } }),
  refreshTokens: async (_example, { login }) => ({ body: { refreshToken: (await login()).refreshToken } }),
  changeMyPassword: async (example, { owner: { password } }) => ({
    body: { ...(example as object), currentPassword: password },
  }),
  verifyEmail: async (_example, { verificationToken: token }) => ({ body: { token: await token() } }),
  resetPassword: async (example, { resetToken: token }) => ({ body: { ...(example as object), token: await token() } }),
  createProduct: async (example) => ({ body: withSku(example, `NEW-${randomUUID()}`) }),
  adjustStock: async (example, { sku }) => ({ body: withSku(example, await sku()) }),
  quoteOrder: async (example, { sku }) => ({ body: withSku(example, await sku()) }),
  placeOrder: async (example, { sku }) => ({ body: withSku(example, await sku()) }),
  receivePaymentEvent: async () => signed({ id: `evt_${randomUUID()}`, type: 'charge.updated', charge: somebodyElses }),
};

const withSku = (example: unknown, sku: string): unknown =>
  JSON.parse(JSON.stringify(example, (name, value: unknown) => (name === 'sku' ? sku : value)));

const somebodyElses = {
  id: 'not-ours',
  status: 'captured',
  amountMinor: 1,
  capturedMinor: 1,
  refundedMinor: 0,
  declineReason: null,
};

/** As the test provider signs its events. */
export function signed(event: unknown): Sent {
  const body = typeof event === 'string' ? event : JSON.stringify(event);
  const at = Math.floor(Date.now() / 1000);
  const mac = createHmac('sha256', SECRET).update(`${at}.${body}`).digest('hex');
  return { body, headers: { 'Content-Type': 'application/json', 'Waybill-Test-Signature': `t=${at},v1=${mac}` } };
}

/** Sends it as it is: a string or a buffer is the body byte for byte, `undefined` is no body. */
export function send(app: TestApp, { method, path, query, headers, body }: Request, caller: Person | null = null) {
  const request = app.api[method](`${path}${query}`)
    .set(caller?.auth ?? {})
    .set(headers);
  if (Buffer.isBuffer(body)) return request.serialize((bytes) => bytes as string).send(body);
  return body === undefined ? request : request.send(body as object);
}
