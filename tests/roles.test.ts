// Every operation of the API × everybody who might call it: who is answered, and who is refused how.
import { decodeJwt, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type Person, type TestApp } from './support/app.ts';
import {
  operationsOf,
  requestFor,
  send,
  spendsLogin,
  worldOf,
  type Operation,
  type World,
} from './support/operations.ts';
import { snapshotOf } from './support/snapshot.ts';

/** The owner and the other are customers; orders and payments are the owner's. A word after the operation names a variant. */
const table = `
                             none expired other owner support catalog warehouse finance admin

registerUser                 201  201     201   201   201     201     201       201     201
getMyAccount                 401  401     200   200   200     200     200       200     200
changeMyAccount              401  401     200   200   200     200     200       200     200
logIn                        200  200     200   200   200     200     200       200     200
refreshTokens                200  200     200   200   200     200     200       200     200
logOut                       401  401     204   204   204     204     204       204     204
changeMyPassword             401  401     204   204   204     204     204       204     204
deleteMyAccount              401  401     204   204   204     204     204       204     204
exportMyData                 401  401     200   200   200     200     200       200     200
verifyEmail                  204  204     204   204   204     204     204       204     204
forgetPassword               202  202     202   202   202     202     202       202     202
resetPassword                204  204     204   204   204     204     204       204     204
listMySessions               401  401     200   200   200     200     200       200     200
revokeMySession              401  401     404   204   404     404     404       404     404

listUsers                    401  401     403   403   200     403     403       403     200
getUser                      401  401     403   403   200     403     403       403     200
changeUser                   401  401     403   403   403     403     403       403     200

listMyAddresses              401  401     200   200   200     200     200       200     200
createMyAddress              401  401     201   201   201     201     201       201     201
getMyAddress                 401  401     404   200   404     404     404       404     404
changeMyAddress              401  401     404   200   404     404     404       404     404
deleteMyAddress              401  401     404   204   404     404     404       404     404

createApiKey                 401  401     403   403   403     403     403       403     201
listApiKeys                  401  401     403   403   403     403     403       403     200
getApiKey                    401  401     403   403   403     403     403       403     200
revokeApiKey                 401  401     403   403   403     403     403       403     204

listProducts                 200  401     200   200   200     200     200       200     200
getProduct                   200  401     200   200   200     200     200       200     200
getProduct/draft             404  401     404   404   200     200     200       200     200
createProduct                401  401     403   403   403     201     403       403     201
patchProduct                 401  401     403   403   403     200     403       403     200
archiveProduct               401  401     403   403   403     204     403       403     204
listStock                    401  401     403   403   403     200     200       403     200
listStockMovements           401  401     403   403   403     200     200       403     200
adjustStock                  401  401     403   403   403     403     201       403     201

quoteOrder                   401  401     200   200   200     403     403       403     200
placeOrder                   401  401     201   201   400     403     403       403     201
placeOrder/for-the-owner     401  401     403   201   201     403     403       403     201
listOrders                   401  401     200   200   200     403     200       200     200
getOrder                     401  401     404   200   200     403     200       200     200
cancelOrder                  401  401     404   200   200     403     403       403     200
exportOrders                 401  401     403   403   403     403     403       200     200
fulfilOrder                  401  401     403   403   403     403     201       403     201
listFulfillments             401  401     404   200   200     403     200       200     200
getOrderTimeline             401  401     404   200   200     403     200       200     200
deliverFulfillment           401  401     403   403   403     403     200       403     200

listPayments                 401  401     404   200   200     403     200       200     200
createPayment                401  401     404   201   403     403     403       403     404
getPayment                   401  401     404   200   200     403     200       200     200
confirmPayment               401  401     404   200   403     403     403       403     404
capturePayment               401  401     403   403   403     403     403       200     200
voidPayment                  401  401     403   403   403     403     403       200     200
listRefunds                  401  401     404   200   200     403     200       200     200
createRefund                 401  401     403   403   403     403     403       201     201
receivePaymentEvent          204  204     204   204   204     204     204       204     204

listAuditEntries             401  401     403   403   403     403     403       403     200
`;

type Row = { name: string; operationId: string; variant: string; expected: Record<string, number> };

const [header = '', ...lines] = table.split('\n').filter((line) => line.trim() !== '');
const callers = header.trim().split(/\s+/);
const rows: Row[] = lines.map((line) => {
  const [name = '', ...statuses] = line.trim().split(/\s+/);
  const [operationId = '', variant = ''] = name.split('/');
  return {
    name,
    operationId,
    variant,
    expected: Object.fromEntries(callers.map((caller, i) => [caller, Number(statuses[i])])),
  };
});

let app: TestApp;
let operations: Operation[];
let people: Record<string, Person | null>;
let owner: Person;
let world: World;

beforeAll(async () => {
  app = await startTestApp();
  operations = operationsOf(app.document);
  people = await signInAll();
  owner = personIn(people, 'owner');
  world = worldOf(app, owner);
});
afterAll(() => app.close());

test('the table has a row for every operation, an operation for every row, and a status for every caller', () => {
  expect([...new Set(rows.map(({ operationId }) => operationId))].toSorted()).toEqual(
    operations.map(({ id }) => id).toSorted(),
  );
  const incomplete = rows.filter(({ expected }) => Object.values(expected).some((status) => !Number.isInteger(status)));
  expect(incomplete).toEqual([]);
});

test('every status of the table is documented at its operation', () => {
  const undocumented = rows.flatMap(({ name, operationId, expected }) =>
    Object.values(expected)
      .filter((status) => !operationCalled(operationId).statuses.includes(status))
      .map((status) => `${name} ${status}`),
  );
  expect(undocumented).toEqual([]);
});

describe.each(rows)('$name', ({ operationId, variant, expected }) => {
  test.each(callers)('%s', async (caller) => {
    const person = await freshFor(operationId, caller);
    const request = await requestFor(app, operationCalled(operationId), world, person);
    await vary(variant, request);
    const before = await snapshotOf(app);
    const { status, body, headers } = await send(app, request, person);
    expect({ status, code: body.code }).toEqual({ status: expected[caller], code: codeFor(caller, status, body.code) });
    if (status === 401) expect(headers['www-authenticate']).toMatch(/^Bearer/);
    if (status >= 400) expect(await snapshotOf(app)).toEqual(before);
  });
});

describe('a stranger’s object answers like a missing one', () => {
  const hidden = rows.filter(({ expected, variant }) => expected['other'] === 404 && variant === '');

  test('there are such operations', () => expect(hidden.length).toBeGreaterThanOrEqual(5));

  test.each(hidden)('$name', async ({ operationId }) => {
    const other = personIn(people, 'other');
    const foreign = await requestFor(app, operationCalled(operationId), world, other);
    const missing = {
      ...foreign,
      path: foreign.path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, '01939d3a-7c1e-7b1a-8f00-0000000000ff'),
    };
    expect(missing.path).not.toBe(foreign.path);
    const answers = [await send(app, foreign, other), await send(app, missing, other)];
    const [one, two] = answers.map(({ status, body }) => ({
      status,
      ...(body as object),
      instance: '',
      requestId: '',
    }));
    expect(one).toEqual(two);
  });
});

test('a customer’s list shows no order of somebody else', async () => {
  const orderId = await world.ids['orders']?.();
  const seenBy = async (person: Person) => {
    const { body } = await app.api.get('/api/v1/orders?limit=100').set(person.auth).expect(200);
    return (body.data as { id: string; customerId: string }[]).filter(
      ({ id, customerId }) => id === orderId || customerId === owner.userId,
    ).length;
  };
  expect(await seenBy(owner)).toBeGreaterThan(0);
  expect(await seenBy(personIn(people, 'support'))).toBeGreaterThan(0);
  expect(await seenBy(personIn(people, 'other'))).toBe(0);
});

function operationCalled(id: string): Operation {
  const found = operations.find((one) => one.id === id);
  if (found === undefined) throw new Error(`the document has no operation ${id}`);
  return found;
}

async function signInAll(): Promise<Record<string, Person | null>> {
  const signedIn = await Promise.all(callers.map(async (caller) => [caller, await signInAs(caller)] as const));
  return Object.fromEntries(signedIn);
}

async function signInAs(caller: string): Promise<Person | null> {
  if (caller === 'none') return null;
  if (caller === 'expired') return expired(await app.signIn());
  return app.signIn({ role: caller === 'owner' || caller === 'other' ? 'customer' : caller });
}

const freshFor = async (operationId: string, caller: string) =>
  spendsLogin({ id: operationId }) ? signInAs(caller) : (people[caller] ?? null);

/** Of tests/support/app.ts. When it is no longer this, the code is token_invalid and the whole column fails. */
const secret = new TextEncoder().encode('test-only-jwt-secret-0123456789abcdefghijklmnop');

/** Right in everything, but over since an hour. */
async function expired(person: Person): Promise<Person> {
  const claims = decodeJwt(person.accessToken);
  const now = Math.floor(Date.now() / 1000);
  const token = await new SignJWT({ ...claims, iat: now - 4500, exp: now - 3600 })
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
    .sign(secret);
  return { ...person, accessToken: token, auth: { Authorization: `Bearer ${token}` } };
}

/** A refusal for who one is says so; every other code is checked against the document by the client. */
function codeFor(caller: string, status: number, code: unknown): unknown {
  if (status === 401) return caller === 'none' ? 'token_required' : 'token_expired';
  return status === 403 ? 'permission_denied' : code;
}

async function vary(variant: string, request: { path: string; body: unknown }): Promise<void> {
  if (variant === 'for-the-owner') request.body = { ...(request.body as object), customerId: owner.userId };
  if (variant === 'draft')
    await app.sql(`UPDATE catalog.products SET status = 'draft' WHERE id = $1`, [request.path.split('/').at(-1)]);
}

function personIn(all: Record<string, Person | null>, caller: string): Person {
  const person = all[caller];
  if (person === undefined || person === null) throw new Error(`nobody is ${caller}`);
  return person;
}
