// What each role may do, and what an API key may be given.

const permissions = {
  customer: ['account:own', 'orders:own'],
  support: ['account:own', 'users:read', 'orders:read', 'orders:place', 'orders:cancel', 'products:read'],
  catalog: ['account:own', 'products:read', 'products:write', 'stock:read'],
  warehouse: ['account:own', 'products:read', 'stock:read', 'stock:adjust', 'orders:read', 'orders:fulfill'],
  finance: [
    'account:own',
    'products:read',
    'orders:read',
    'orders:export',
    'orders:refund',
    'payments:capture',
    'payments:void',
  ],
  admin: [
    'account:own',
    'users:read',
    'users:write',
    'api-keys:write',
    'audit:read',
    'products:read',
    'products:write',
    'stock:read',
    'stock:adjust',
    'orders:own',
    'orders:read',
    'orders:place',
    'orders:cancel',
    'orders:fulfill',
    'orders:export',
    'orders:refund',
    'payments:capture',
    'payments:void',
  ],
} satisfies Record<string, string[]>;

export type Role = keyof typeof permissions;

export const roles = ['customer', 'support', 'catalog', 'warehouse', 'finance', 'admin'] as const satisfies Role[];

/** They need an account of one's own, or would let a key make more keys and more staff. */
const forPeopleOnly: readonly string[] = ['account:own', 'orders:own', 'users:write', 'api-keys:write'];

export const apiKeyScopes = permissions.admin.filter((permission) => !forPeopleOnly.includes(permission));

const permissionSets: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  roles.map((role) => [role, new Set<string>(permissions[role])]),
);
const nothing: ReadonlySet<string> = new Set();

/** A role that this version does not know may do nothing: a newer one may have given it. */
export const permissionsOf = (role: string): ReadonlySet<string> => permissionSets.get(role) ?? nothing;

/** A scope that is none any more is worth nothing, whatever was stored. */
export const permissionsOfKey = (scopes: readonly string[]): ReadonlySet<string> =>
  new Set(apiKeyScopes.filter((scope) => scopes.includes(scope)));
