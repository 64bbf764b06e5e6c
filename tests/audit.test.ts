// Every writing operation of the document, done by staff or by an API key, leaves its entry in the trail: who, what, which request.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiKeyScopes } from '../modules/users/roles.ts';
import { startTestApp, type Person, type TestApp } from './support/app.ts';
import { operationsOf, requestFor, send, worldOf, type Operation } from './support/operations.ts';

/** By operation: the action of its entry. */
const actions: Record<string, string> = {
  changeMyAccount: 'user.updated',
  changeUser: 'user.updated',
  createMyAddress: 'address.created',
  changeMyAddress: 'address.updated',
  deleteMyAddress: 'address.deleted',
  createApiKey: 'api_key.created',
  revokeApiKey: 'api_key.revoked',
  changeMyPassword: 'auth.password_changed',
  revokeMySession: 'auth.session_revoked',
  logOut: 'auth.logged_out',
  createProduct: 'product.created',
  patchProduct: 'product.updated',
  archiveProduct: 'product.archived',
  adjustStock: 'stock.adjusted',
  placeOrder: 'order.placed',
  cancelOrder: 'order.cancelled',
  fulfilOrder: 'fulfillment.created',
  deliverFulfillment: 'fulfillment.delivered',
  deleteMyAccount: 'user.deleted',
  createPayment: 'payment.created',
  confirmPayment: 'payment.confirmed',
  capturePayment: 'payment.capture_requested',
  createRefund: 'refund.created',
  voidPayment: 'payment.void_requested',
};

/** Writes by their method only. */
const exceptions: Record<string, string> = {
  quoteOrder: 'a quote has no effect',
};

const howToMend = (id: string) =>
  `${id} writes, but nobody says which entry it leaves. In its service call audit.record(tx, { actor, action, subject, before, after })
in the transaction of the deed (modules/catalog/product.service.ts shows how), then name the action in tests/audit.test.ts; only what has no
effect at all belongs to its exceptions, with the reason.`;

let app: TestApp;
let operations: Operation[];

beforeAll(async () => {
  app = await startTestApp();
  // Not the last one: that one may not go.
  await app.signIn({ role: 'admin' });
  operations = operationsOf(app.document).filter(({ method, isPublic }) => method !== 'get' && !isPublic);
});
afterAll(() => app.close());

test('of every writing operation it is known which entry it leaves, or why none', () => {
  const unknown = operations.filter(({ id }) => ![actions, exceptions].some((known) => id in known));
  expect(unknown.map(({ id }) => howToMend(id))).toEqual([]);
});

test('nothing is known of operations that are not there', () => {
  const ids = operations.map(({ id }) => id);
  expect(Object.keys({ ...actions, ...exceptions }).filter((id) => !ids.includes(id))).toEqual([]);
});

/** Staff in their own world: what they place, pay and change is theirs. A fresh one each, since some operations end the login. */
async function doneByStaff(id: string): Promise<{ person: Person; requestId: string }> {
  const person = await app.signIn({ role: 'admin' });
  return { person, requestId: await done(id, person, person) };
}

/** A key owns nothing: it acts in somebody's world. */
async function doneByKey(id: string): Promise<{ keyId: string; requestId: string }> {
  const owner = await app.signIn({ role: 'admin' });
  const { body } = await app.api
    .post('/api/v1/api-keys')
    .set(owner.auth)
    .send({ name: 'Audited', scopes: apiKeyScopes })
    .expect(201);
  const { id: keyId, secret } = body.data as { id: string; secret: string };
  return { keyId, requestId: await done(id, owner, { ...owner, auth: { Authorization: `Bearer ${secret}` } }) };
}

/** @returns the id of the request */
async function done(id: string, owner: Person, caller: Person): Promise<string> {
  const operation = operations.find((one) => one.id === id);
  if (operation === undefined) throw new Error(`the document has no operation ${id}`);
  const request = await requestFor(app, operation, worldOf(app, owner), caller);
  const requestId = `audit-${randomUUID()}`;
  request.headers['X-Request-Id'] = requestId;
  if (id === 'placeOrder') request.body = { ...(request.body as object), customerId: owner.userId };
  const { status, body } = await send(app, request, caller);
  if (status >= 300) throw new Error(`${id} was refused: ${JSON.stringify(body)}`);
  return requestId;
}

const entriesOf = (requestId: string) =>
  app.sql(
    `SELECT actor_type AS "actorType", actor_id AS "actorId", role, action, subject_id AS "subjectId", address
     FROM audit.entries WHERE request_id = $1 ORDER BY id`,
    [requestId],
  );

describe('by staff', () => {
  test.each(Object.entries(actions))('%s leaves %s', async (id, action) => {
    const { person, requestId } = await doneByStaff(id);
    const entries = await entriesOf(requestId);
    if (entries.length === 0) throw new Error(howToMend(id));
    expect(entries).toEqual([
      {
        actorType: 'user',
        actorId: person.userId,
        role: 'admin',
        action,
        subjectId: expect.any(String) as string,
        address: expect.any(String) as string,
      },
    ]);
  });

  test.each(Object.entries(exceptions))('%s leaves none: %s', async (id) => {
    const { requestId } = await doneByStaff(id);
    expect(await entriesOf(requestId)).toEqual([]);
  });
});

describe('by an API key', () => {
  /** Operations of people alone (their profile, their card) name none of its scopes. */
  const isForKeys = ({ id, permissions }: Operation) =>
    actions[id] !== undefined && permissions.some((one) => (apiKeyScopes as readonly string[]).includes(one));
  const ids = () => operations.filter(isForKeys).map(({ id }) => id);

  test('each that a key may do leaves its entry, under the id of the key', { timeout: 120_000 }, async () => {
    expect(ids().length).toBeGreaterThan(8);
    for (const id of ids()) {
      const { keyId, requestId } = await doneByKey(id);
      const entries = await entriesOf(requestId);
      expect({ id, entries }).toMatchObject({
        id,
        entries: [{ actorType: 'api_key', actorId: keyId, action: actions[id] }],
      });
    }
  });
});
