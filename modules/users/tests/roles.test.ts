// The table of roles.
import { expect, test } from 'vitest';
import { permissionsOf, roles } from '../roles.ts';

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
