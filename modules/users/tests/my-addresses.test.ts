// Somebody keeps addresses, changes them, and has an order sent to one.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { keepAddress } from '../../../tests/support/operations.ts';
import { hold, untilWaiting } from '../../../tests/support/races.ts';
import { changed } from '../address.ts';

const path = '/api/v1/users/me/addresses';
const home = {
  name: 'Ada Lovelace',
  line1: '12 St James’s Square',
  line2: 'Second floor',
  city: 'London',
  region: 'Greater London',
  postalCode: 'SW1Y 4LB',
  country: 'GB',
};
let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const add = ({ auth }: Person, body: object = home) => app.api.post(path).set(auth).send(body);
const see = ({ auth }: Person, id: string) => app.api.get(`${path}/${id}`).set(auth);
const change = ({ auth }: Person, id: string, body: object, version = 1) =>
  app.api.patch(`${path}/${id}`).set(auth).set('If-Match', `"${version}"`).send(body);
const forget = ({ auth }: Person, id: string, version = 1) =>
  app.api.delete(`${path}/${id}`).set(auth).set('If-Match', `"${version}"`);

describe('keeping one', () => {
  test('gives it back as it is, with a version', async () => {
    const person = await app.signIn();
    const { body, headers } = await add(person).expect(201);
    const { id, createdAt, updatedAt, version, ...address } = body.data;
    expect([address, version, updatedAt]).toEqual([home, 1, createdAt]);
    expect(headers).toMatchObject({ location: `${path}/${id}`, etag: '"1"' });
    const seen = await see(person, id).expect(200);
    expect([seen.body.data, seen.headers['etag']]).toEqual([body.data, '"1"']);
    await see(person, id).set('If-None-Match', '"1"').expect(304);
  });

  test('what was not given is absent, as in an order', async () => {
    const { line2: _line2, region: _region, postalCode: _postalCode, ...least } = home;
    const { body } = await add(await app.signIn(), least).expect(201);
    expect(body.data).toMatchObject(least);
    expect(Object.keys(body.data as object)).not.toEqual(expect.arrayContaining(['line2']));
  });

  test('an order can be sent to it as it was given', async () => {
    const person = await app.signIn();
    await add(person).expect(201);
    const {
      id: _id,
      createdAt: _c,
      updatedAt: _u,
      version: _v,
      ...shippingAddress
    } = (await app.api.get(path).set(person.auth).expect(200)).body.data[0];
    const { sku } = await app.sellable();
    const order = { lines: [{ sku, quantity: 1 }], shippingAddress };
    const { body } = await app.api.post('/api/v1/orders').set(person.auth).set(key()).send(order).expect(201);
    expect(body.data.shippingAddress).toEqual(home);
  });

  test.each([
    ['no city', { city: undefined }, '/city', 'required'],
    ['a country in words', { country: 'England' }, '/country', 'invalid_format'],
    ['a blank name', { name: ' ' }, '/name', 'too_small'],
    ['a line too long', { line1: 'x'.repeat(201) }, '/line1', 'too_big'],
    ['somebody else’s', { userId: '01939d3a-7c1e-7b1a-8f00-000000000001' }, '/userId', 'unknown_field'],
  ])('%s is refused', async (_what, wrong, pointer, code) => {
    const { body } = await add(await app.signIn(), { ...home, ...wrong }).expect(400);
    expect(body.errors).toEqual([expect.objectContaining({ pointer, code })]);
  });
});

describe('changing one', () => {
  test('what is absent stays, null takes away', async () => {
    const person = await app.signIn();
    const id = await keepAddress(app, person, home);
    const { body, headers } = await change(person, id, { line1: '2 Bridge Street', line2: null }).expect(200);
    const { line2: _line2, ...rest } = home;
    expect(body.data).toMatchObject({ ...rest, line1: '2 Bridge Street', version: 2 });
    expect(body.data).not.toHaveProperty('line2');
    expect(headers['etag']).toBe('"2"');
    expect((await see(person, id)).body.data).toEqual(body.data);
  });

  test('of two who read the same version, one is told to read again', async () => {
    const person = await app.signIn();
    const id = await keepAddress(app, person);
    const held = await hold(app, 'SELECT FROM users.addresses WHERE id = $1 FOR UPDATE', [id]);
    const changes = ['Paris', 'Turin'].map((city) => change(person, id, { city }).then(({ status }) => status));
    await untilWaiting(app, 2);
    await held.letGo();
    expect((await Promise.all(changes)).toSorted((a, b) => a - b)).toEqual([200, 412]);
  });

  test.each([
    ['nothing', {}, 'empty_patch'],
    ['no name', { name: null }, 'invalid_type'],
    ['its id', { id: '01939d3a-7c1e-7b1a-8f00-000000000001' }, 'unknown_field'],
  ])('%s is refused', async (_what, body, code) => {
    const person = await app.signIn();
    const id = await keepAddress(app, person);
    expect((await change(person, id, body).expect(400)).body.errors[0].code).toBe(code);
    expect((await see(person, id)).body.data.version).toBe(1);
  });
});

describe('forgetting one', () => {
  test('it is gone, from the database too', async () => {
    const person = await app.signIn();
    const id = await keepAddress(app, person);
    await forget(person, id).expect(204);
    expect((await see(person, id).expect(404)).body.code).toBe('address_not_found');
    await forget(person, id).expect(404);
    expect(await app.sql('SELECT FROM users.addresses WHERE id = $1', [id])).toEqual([]);
  });

  test('needs the version that was read', async () => {
    const person = await app.signIn();
    const id = await keepAddress(app, person);
    await change(person, id, { city: 'Paris' }).expect(200);
    await forget(person, id).expect(412);
    await see(person, id).expect(200);
  });
});

test('somebody else’s address is not there, whatever one tries', async () => {
  const [person, other] = [await app.signIn(), await app.signIn({ role: 'admin' })];
  const id = await keepAddress(app, person, home);
  const tries = [see(other, id), change(other, id, { city: 'Paris' }), forget(other, id)];
  expect((await Promise.all(tries)).map(({ body }) => body.code)).toEqual(Array(3).fill('address_not_found'));
  expect((await see(person, id)).body.data).toMatchObject(home);
  expect((await app.api.get(path).set(other.auth)).body.data).toEqual([]);
});

test('fifty are kept, also when two come at once for the last place', async () => {
  const person = await app.signIn();
  for (let i = 0; i < 49; i++) await keepAddress(app, person);
  const held = await hold(app, 'SELECT FROM users.users WHERE id = $1 FOR UPDATE', [person.userId]);
  const last = [add(person), add(person)].map((one) => one.then(({ status, body }) => ({ status, code: body.code })));
  await untilWaiting(app, 2);
  await held.letGo();
  expect((await Promise.all(last)).toSorted((a, b) => a.status - b.status)).toEqual([
    { status: 201, code: undefined },
    { status: 422, code: 'too_many_addresses' },
  ]);
  await keepAddress(app, await app.signIn());
});

test('staff leave an entry without what is personal, customers none', async () => {
  const entriesOf = async (role: string) => {
    const person = await app.signIn({ role });
    const id = await keepAddress(app, person, home);
    await forget(person, id).expect(204);
    return app.sql('SELECT action, before, after FROM audit.entries WHERE subject_id = $1 ORDER BY id', [id]);
  };
  const [created, deleted] = await entriesOf('support');
  expect(created).toMatchObject({
    action: 'address.created',
    before: null,
    after: { country: 'GB', line1: '[redacted]' },
  });
  expect(deleted).toMatchObject({ action: 'address.deleted', before: { city: '[redacted]' }, after: null });
  expect(await entriesOf('customer')).toEqual([]);
});

test('a change leaves the address it is made of as it was', () => {
  const address = { ...home };
  expect(changed(address, { city: 'Paris', line1: undefined, region: null })).toEqual({
    ...home,
    city: 'Paris',
    region: null,
  });
  expect(address).toEqual(home);
});
