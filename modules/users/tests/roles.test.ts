// The table of roles.
import { expect, test } from 'vitest';
import { permissionsOf, roles } from '../roles.ts';

/** The same table from the other side: who may do it, and nobody else. */
test.each([
  ['account:own', ['customer', 'support', 'catalog', 'warehouse', 'finance', 'admin']],
  ['orders:own', ['customer', 'admin']],
  ['users:read', ['support', 'admin']],
  ['users:write', ['admin']],
  ['api-keys:write', ['admin']],
  ['audit:read', ['admin']],
  ['products:read', ['support', 'catalog', 'warehouse', 'finance', 'admin']],
  ['products:write', ['catalog', 'admin']],
  ['stock:read', ['catalog', 'warehouse', 'admin']],
  ['stock:adjust', ['warehouse', 'admin']],
  ['orders:read', ['support', 'warehouse', 'finance', 'admin']],
  ['orders:place', ['support', 'admin']],
  ['orders:cancel', ['support', 'admin']],
  ['orders:fulfill', ['warehouse', 'admin']],
  ['orders:export', ['finance', 'admin']],
  ['orders:refund', ['finance', 'admin']],
  ['payments:capture', ['finance', 'admin']],
  ['payments:void', ['finance', 'admin']],
])('%s is for %j', (permission, holders) => {
  expect(roles.filter((role) => permissionsOf(role).has(permission))).toEqual(holders);
});

test('a customer may do nothing but what is their own', () => {
  expect([...permissionsOf('customer')]).toEqual(['account:own', 'orders:own']);
});

test.each(roles)('%s may look after the own account', (role) => {
  expect(permissionsOf(role).has('account:own')).toBe(true);
});

test('an admin may do all that anyone may', () => {
  const every = new Set(roles.flatMap((role) => [...permissionsOf(role)]));
  expect([...permissionsOf('admin')].toSorted()).toEqual([...every].toSorted());
});

test.each([
  ['support', 'orders:refund'],
  ['support', 'orders:fulfill'],
  ['catalog', 'stock:adjust'],
  ['catalog', 'orders:read'],
  ['warehouse', 'products:write'],
  ['warehouse', 'orders:cancel'],
  ['finance', 'orders:place'],
  ['finance', 'stock:read'],
])('%s may not do %s', (role, permission) => expect(permissionsOf(role).has(permission)).toBe(false));

test.each(['', 'owner', 'toString', '__proto__', 'ADMIN'])('a role nobody knows (%j) may do nothing', (role) => {
  expect(permissionsOf(role).size).toBe(0);
});
