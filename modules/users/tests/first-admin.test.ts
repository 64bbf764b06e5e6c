// The first of the staff, and those whom an operator makes by hand.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../tests/support/app.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const password = 'correct horse battery';

describe('the first admin', () => {
  test('is not made of a customer who has the address', async () => {
    const email = 'customer@example.com';
    await app.modules.users.service.createUser({ email, password, role: 'customer' });
    await expect(app.modules.users.service.ensureAdmin({ email, password })).rejects.toMatchObject({
      code: 'email_taken',
    });
  });

  test('is one, however many processes start at once', async () => {
    const starts = Array.from({ length: 6 }, (_, i) =>
      app.modules.users.service.ensureAdmin({ email: `Admin${i}@Example.com`, password: 'admin-is-my-password' }),
    );
    const made = (await Promise.all(starts)).filter((user) => user !== null);
    expect(made).toEqual([
      expect.objectContaining({ role: 'admin', email: expect.stringMatching(/^admin\d@example\.com$/) }),
    ]);
    expect(await app.sql(`SELECT count(*)::int AS count FROM users.users WHERE role = 'admin'`)).toEqual([
      { count: 1 },
    ]);
  });

  test('is not made again', async () => {
    expect(await app.modules.users.service.ensureAdmin({ email: 'late@example.com', password })).toBeNull();
  });
});

describe('a user made by an operator', () => {
  test('has the role asked for, and the name of the address when none is given', async () => {
    const user = await app.modules.users.service.createUser({
      email: 'Grace@example.com',
      password,
      role: 'warehouse',
    });
    expect(user).toMatchObject({ email: 'grace@example.com', name: 'grace', role: 'warehouse' });
    expect(await app.modules.users.service.isActive(user.id)).toBe(true);
    await app.sql(`UPDATE users.users SET status = 'disabled' WHERE id = $1`, [user.id]);
    expect(await app.modules.users.service.isActive(user.id)).toBe(false);
  });

  test('needs a good password and a free address like anyone else', async () => {
    const create = app.modules.users.service.createUser.bind(app.modules.users.service);
    const weak = create({ email: 'weak@example.com', password: 'password123', role: 'admin' });
    await expect(weak).rejects.toMatchObject({ faults: [{ pointer: '/password', code: 'password_weak' }] });
    await expect(create({ email: 'GRACE@example.com', password, role: 'admin' })).rejects.toMatchObject({
      code: 'email_taken',
    });
  });
});

test('nobody unknown is active', async () => {
  expect(await app.modules.users.service.isActive('01939d3a-7c1e-7b1a-8f00-000000000001')).toBe(false);
});
