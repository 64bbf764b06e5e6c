// What an API key may do, operation by operation, from the document: no more than its scopes, and never what is a person's own.
import { afterAll, describe, expect, test } from 'vitest';
import { startTestApp } from './support/app.ts';
import { makeKey, operationsOf } from './support/operations.ts';

const forPeopleOnly = ['account:own', 'orders:own', 'users:write', 'api-keys:write'];

const app = await startTestApp();
afterAll(() => app.close());
const guarded = operationsOf(app.document).filter(({ permissions }) => permissions.length > 0);
const isScope = (permission: string) => !forPeopleOnly.includes(permission);
const scopes = [...new Set(guarded.flatMap(({ permissions }) => permissions))].filter(isScope);

test('there are operations for keys and operations for people', () => {
  const forKeys = guarded.filter(({ permissions }) => permissions.some(isScope));
  expect(forKeys.length).toBeGreaterThan(10);
  expect(guarded.length - forKeys.length).toBeGreaterThan(10);
});

describe.each(guarded)('$id', ({ method, path, permissions }) => {
  const isDenied = async (held: string[]) => {
    const { auth } = await makeKey(app, held);
    const place = path.replaceAll('{id}', '01939d3a-7c1e-7b1a-8f00-000000000001').replaceAll(/\{\w+\}/g, 'test');
    const { status, body } = await app.api[method](`/api/v1${place}`).set(auth);
    expect(status).not.toBe(401);
    return body?.code === 'permission_denied';
  };

  test('a key that holds every scope but the right one', async () => {
    expect(await isDenied(scopes.filter((scope) => !permissions.includes(scope)))).toBe(true);
  });

  test('a key that holds every scope', async () => {
    expect(await isDenied(scopes)).toBe(!permissions.some(isScope));
  });
});
