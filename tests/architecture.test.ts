// The rules of the house hold, and every check of them is seen to fail on a planted violation.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listModules } from '../app.ts';
import type { Database } from '../shared/database/database.ts';
import { route } from '../shared/http/route.ts';
import { startTestApp, type TestApp } from './support/app.ts';
import { modulesAtRest } from './support/modules-at-rest.ts';
import { MODULE_ROLES } from './support/roles.ts';
import { copyTree, root, runIn, type Ran, type Tree } from './support/tree-copy.ts';

const SECONDS = 1000;
const modules = await foldersIn('modules');

describe('who may import whom', () => {
  test('holds for the tree as it is', { timeout: 60 * SECONDS }, async () => {
    expect(await runIn(root, 'tsx scripts/boundaries.ts')).toMatchObject({ code: 0 });
  });

  const catalog = 'modules/catalog';
  const planted: { rule: string; file: string; text: string; to: string }[] = [
    {
      rule: 'module-imports-module',
      file: `${catalog}/planted-value.ts`,
      text: `import { createOrders } from '../orders/index.ts';\nexport const x = createOrders;\n`,
      to: 'modules/orders/index.ts',
    },
    {
      rule: 'module-imports-module',
      file: `${catalog}/planted-type.ts`,
      text: `import type { OrderView } from '../orders/order.view.ts';\nexport type X = OrderView;\n`,
      to: 'modules/orders/order.view.ts',
    },
    {
      rule: 'module-imports-module',
      file: `${catalog}/planted-dynamic.ts`,
      text: `export const x = () => import('../orders/order.ts');\n`,
      to: 'modules/orders/order.ts',
    },
    {
      rule: 'module-imports-module',
      file: `${catalog}/planted-re-export.ts`,
      text: `export * from '../orders/order.ts';\n`,
      to: 'modules/orders/order.ts',
    },
    {
      rule: 'module-knows-no-wiring',
      file: `${catalog}/planted-wiring.ts`,
      text: `import type { Modules } from '../../app.ts';\nexport type X = Modules;\n`,
      to: 'app.ts',
    },
    {
      rule: 'shared-knows-no-module',
      file: 'shared/domain/planted-module.ts',
      text: `import type { Role } from '../../modules/users/index.ts';\nexport type X = Role;\n`,
      to: 'modules/users/index.ts',
    },
    {
      rule: 'shared-knows-no-module',
      file: 'shared/domain/planted-app.ts',
      text: `import { createApp } from '../../app.ts';\nexport const x = createApp;\n`,
      to: 'app.ts',
    },
    {
      rule: 'only-by-the-face',
      file: 'app.ts',
      text: `export { OrderService } from './modules/orders/order.service.ts';\n`,
      to: 'modules/orders/order.service.ts',
    },
    {
      rule: 'only-by-the-face',
      file: 'scripts/planted.ts',
      text: `import { roles } from '../modules/users/roles.ts';\nexport const x = roles;\n`,
      to: 'modules/users/roles.ts',
    },
    {
      rule: 'server-only-through-app',
      file: 'server.ts',
      text: `export { createUsers } from './modules/users/index.ts';\n`,
      to: 'modules/users/index.ts',
    },
    {
      rule: 'tests-stay-in-tests',
      file: 'shared/domain/planted-test.ts',
      text: `export { key } from '../../tests/support/app.ts';\n`,
      to: 'tests/support/app.ts',
    },
    { rule: 'pure-rules-stay-pure', file: 'modules/orders/order.ts', text: `export { Pool } from 'pg';\n`, to: 'pg' },
    {
      rule: 'pure-rules-stay-pure',
      file: 'modules/catalog/product.ts',
      text: `export type { Database } from '../../shared/database/database.ts';\n`,
      to: 'shared/database/database.ts',
    },
    {
      rule: 'client-stands-alone',
      file: 'clients/typescript/src/planted-server.ts',
      text: `import type { OrderView } from '../../../modules/orders/order.view.ts';\nexport type X = OrderView;\n`,
      to: 'modules/orders/order.view.ts',
    },
    {
      rule: 'client-stands-alone',
      file: 'clients/typescript/src/planted-node.ts',
      text: `export { randomUUID } from 'node:crypto';\n`,
      to: 'crypto',
    },
    {
      rule: 'server-knows-no-client',
      file: 'shared/domain/planted-client.ts',
      text: `export { isProblem } from '../../clients/typescript/src/index.ts';\n`,
      to: 'clients/typescript/src/index.ts',
    },
    // Told once, at the end that comes first.
    {
      rule: 'no-cycles',
      file: 'shared/domain/planted-egg.ts',
      text: `import { hen } from './planted-hen.ts';\nexport const egg = (): unknown => hen;\n`,
      to: 'shared/domain/planted-hen.ts',
    },
  ];

  let tree: Tree;
  let seen: Ran;
  beforeAll(async () => {
    tree = await copyTree();
    for (const { file, text } of planted) await tree.plant(file, text);
    await tree.plant(
      'shared/domain/planted-hen.ts',
      `import { egg } from './planted-egg.ts';\nexport const hen = (): unknown => egg;\n`,
    );
    seen = await tree.run('tsx scripts/boundaries.ts');
  });
  afterAll(() => tree.remove());

  test('the planted tree fails', () => expect(seen.code).toBe(1));

  test.each(planted)('$rule: $file → $to', ({ rule, file, to }) => {
    const lines = seen.output.split('\n').filter((line) => line.startsWith(`${rule}: ${file} → `) && line.includes(to));
    expect(lines).toHaveLength(1);
  });

  test('a checker that sees too little fails, although it finds nothing', async () => {
    const bare = await copyTree();
    try {
      await bare.edit('.dependency-cruiser.cjs', (text) =>
        text
          .replace('forbidden: [', 'forbidden: [] && [')
          .replace("exclude: { path: '", "exclude: { path: '^(modules|shared)/|"),
      );
      const { code, output } = await bare.run('tsx scripts/boundaries.ts');
      expect({ code, output }).toEqual({
        code: 1,
        output: expect.stringContaining('files are not being read') as string,
      });
    } finally {
      await bare.remove();
    }
  });
});

describe('the rooms of shared', () => {
  test('form no circle, types aside', async () => {
    const edges = await importsBetweenRooms();
    expect(edges.get('middleware')).toContain('http');
    expect(edges.size).toBeGreaterThanOrEqual(7);
    expect(circleIn(edges)).toBeNull();
  });

  test('a circle would be seen', () => {
    const edges = new Map([
      ['http', new Set(['idempotency'])],
      ['idempotency', new Set(['database'])],
      ['database', new Set(['http'])],
    ]);
    expect(circleIn(edges)).toEqual(['http', 'idempotency', 'database', 'http']);
  });
});

describe('every module has the same anatomy', () => {
  const parts = [
    /^README\.md$/,
    /^index\.ts$/,
    /\.routes\.ts$/,
    /\.controller\.ts$/,
    /\.service\.ts$/,
    /\.repository\.ts$/,
    /\.validation\.ts$/,
    /\.view\.ts$/,
    /^migrations$/,
    /^tests$/,
  ];

  test('the modules of the tree are those of the wiring and of the roles', () => {
    const wired = listModules(modulesAtRest()).map(({ name }) => name);
    expect(modules).toEqual(wired.toSorted());
    expect(modules).toEqual([...MODULE_ROLES].toSorted());
  });

  test.each(modules)('%s', async (name) => {
    const files = await readdir(join(root, 'modules', name));
    expect(parts.filter((part) => !files.some((file) => part.test(file))).map(String)).toEqual([]);
    const face = await readFile(join(root, 'modules', name, 'index.ts'), 'utf8');
    const title = name.charAt(0).toUpperCase() + name.slice(1);
    expect(face).toMatch(new RegExp(`export (?:async )?function create${title}\\(`));
    expect(face).toContain(`export const ${name}Migrations: MigrationSource = {`);
    const readme = await readFile(join(root, 'modules', name, 'README.md'), 'utf8');
    expect(readme).toContain(`\`${name}\``);
    expect(readme.trim().split('\n').length).toBeLessThanOrEqual(20);
  });

  test.each(modules)(
    '%s: its migrations are numbered without a gap, and name no schema of another module',
    async (name) => {
      const files = (await readdir(join(root, 'modules', name, 'migrations'))).toSorted();
      expect(files.map((file) => file.slice(0, 5))).toEqual(
        files.map((_file, i) => `${String(i + 1).padStart(4, '0')}_`),
      );
      const others = modules.filter((other) => other !== name);
      for (const file of files) {
        const sql = (await readFile(join(root, 'modules', name, 'migrations', file), 'utf8')).replaceAll(/--.*$/gm, '');
        const named = [...sql.matchAll(/\b([a-z]+)\.([a-z_]+)/g)].map(([, schema, thing]) => `${schema}.${thing}`);
        expect(named.filter((one) => others.includes(one.split('.')[0] ?? '') && !OFFERED.includes(one))).toEqual([]);
      }
    },
  );

  test('every file says in its first line what it is for', async () => {
    const folders = ['modules', 'shared', 'scripts', 'tests', 'chaos', 'bench', 'clients'];
    const files = [
      'app.ts',
      'server.ts',
      'vitest.config.ts',
      ...(await Promise.all(folders.map(sourcesIn))).flat(),
    ].filter((file) => file !== 'vitest.config.ts');
    const firsts = await Promise.all(
      files.map(async (file) => ({ file, first: (await readFile(join(root, file), 'utf8')).split('\n', 1)[0] ?? '' })),
    );
    const silent = firsts.filter(({ first }) => !/^(\/\/ |\/\*\* )[A-Z"“`'].*/.test(first) && !first.startsWith('#!'));
    expect(silent).toEqual([]);
  });
});

/** Functions that a module offers to others in SQL: part of its face. `reserve` for processes of an earlier version. */
const OFFERED = ['catalog.reserve_all', 'catalog.reserve', 'users.hold_all_active', 'audit.record'];

describe('who may touch which table', () => {
  let app: TestApp;
  let tables: string[];
  beforeAll(async () => {
    app = await startTestApp();
    const rows = await app.sql<{ name: string }>(
      `SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname = ANY($1) ORDER BY 1`,
      [modules],
    );
    tables = rows.map(({ name }) => name);
  });
  afterAll(() => app.close());

  test.each(modules)('%s reads and writes its own tables, and those that all share', async (name) => {
    const own = tables.filter((table) => table.startsWith(`${name}.`));
    expect(own.length).toBeGreaterThan(0);
    for (const table of [...own, 'events.outbox', 'events.deliveries', 'idempotency.keys']) {
      const { rows } = await databaseOf(app, name).query(
        `SELECT count(*), has_table_privilege($1, 'INSERT') AS writes FROM ${table}`,
        [table],
      );
      expect(rows).toMatchObject([{ writes: true }]);
    }
  });

  test.each(modules)('%s gets 42501 for every table of another module', async (name) => {
    const foreign = tables.filter((table) => !table.startsWith(`${name}.`));
    expect(foreign.length).toBeGreaterThan(5);
    for (const table of foreign) {
      for (const statement of [`SELECT count(*) FROM ${table}`, `DELETE FROM ${table} WHERE false`]) {
        await expect(databaseOf(app, name).query(statement)).rejects.toMatchObject({ code: '42501' });
      }
    }
  });

  test('so it does in a transaction that it joined, and whoever began it is itself again afterwards', async () => {
    const [orders, catalog] = [databaseOf(app, 'orders'), databaseOf(app, 'catalog')];
    const asCatalog = (statement: string) => orders.transaction((tx) => catalog.join(tx).query(statement));
    await expect(asCatalog('SELECT id FROM orders.orders')).rejects.toMatchObject({ code: '42501' });
    await expect(orders.query('SELECT id FROM catalog.products')).rejects.toMatchObject({ code: '42501' });
    const counts = await orders.transaction(async (tx) => {
      const theirs = await catalog.join(tx).query('SELECT id FROM catalog.products');
      const own = await tx.query('SELECT id FROM orders.orders');
      return [theirs.rowCount, own.rowCount];
    });
    expect(counts).toEqual([0, 0]);
  });

  test('a function of a module is for those to whom it was offered', async () => {
    const call = (module: string) => databaseOf(app, module).query(`SELECT * FROM catalog.reserve_all('{}', '[]')`);
    await call('orders');
    await expect(call('payments')).rejects.toMatchObject({ code: '42501' });
  });

  test('no foreign key leaves its schema', async () => {
    const crossing = await app.sql(
      `SELECT conname FROM pg_constraint c JOIN pg_class a ON a.oid = conrelid JOIN pg_class b ON b.oid = confrelid
       WHERE contype = 'f' AND a.relnamespace <> b.relnamespace`,
    );
    expect(crossing).toEqual([]);
  });
});

describe('every route names who may', () => {
  const operation = { operationId: 'planted', summary: 'Planted', answers: { 204: null } } as const;
  const handler = async () => ({ status: 204 as const, headers: {} });

  test('none means no start', () => {
    expect(() => route('get', '/planted', [], operation, handler)).toThrow(
      'get /planted names neither a permission nor public',
    );
    expect(() => route('get', '/planted', ['orders:own'], operation, handler)).not.toThrow();
  });

  test('a permission that not even an administrator has is a misspelling', async () => {
    const app = await startTestApp();
    try {
      const { accessToken } = await app.signIn({ role: 'admin' });
      const { permissions } = await app.modules.users.verifyToken(accessToken);
      const named = listModules(app.modules).flatMap(({ routes }) =>
        routes.flatMap(({ access }) => (typeof access === 'string' ? [] : [...access])),
      );
      expect(named.length).toBeGreaterThan(10);
      expect(named.filter((permission) => !permissions.has(permission))).toEqual([]);
    } finally {
      await app.close();
    }
  });
});

describe('each check of the house is seen to fail', () => {
  const planted = `${['// A file that breaks rules.', 'export const unused = 1;', 'export async function act(input: any) {', '  Promise.resolve(input);', '  return   input!', '}'].join('\n')}\n`;
  const file = 'shared/domain/planted.ts';
  let tree: Tree;

  beforeAll(async () => {
    tree = await copyTree();
    await tree.run('tsx scripts/openapi.ts');
    await tree.run('tsx scripts/env-example.ts');
  });
  afterAll(() => tree.remove());

  test.each(['tsx scripts/openapi.ts --check', 'tsx scripts/client.ts --check', 'tsx scripts/env-example.ts --check'])(
    '%s is green before',
    async (command) => {
      expect(await tree.run(command)).toMatchObject({ code: 0 });
    },
  );

  const checks: { command: string; tells: RegExp; plant: (planted: Tree) => Promise<void> }[] = [
    { command: `oxfmt --check ${file}`, tells: /planted\.ts/, plant: (one) => one.plant(file, planted) },
    {
      command: `oxlint --type-aware ${file}`,
      tells: /no-explicit-any[\s\S]*no-floating-promises|no-floating-promises[\s\S]*no-explicit-any/,
      plant: async () => {},
    },
    // dependency-cruiser does not see this form of import, so the linter refuses it.
    {
      command: 'oxlint --type-aware modules/catalog/planted.ts',
      tells: /consistent-type-imports/,
      plant: (one) =>
        one.plant('modules/catalog/planted.ts', `// Planted.\nexport type X = import('../orders/order.ts').Quote;\n`),
    },
    { command: 'knip', tells: /planted\.ts/, plant: async () => {} },
    {
      command: 'tsc --noEmit',
      tells: /planted-type\.ts\(2,14\): error TS2322/,
      plant: (one) => one.plant('shared/domain/planted-type.ts', `// Planted.\nexport const x: number = 'one';\n`),
    },
    {
      command: 'tsx scripts/openapi.ts --check',
      tells: /openapi\.json is not what the routes say/,
      plant: (one) =>
        one.edit('modules/orders/order.validation.ts', (text) =>
          text.replace("summary: 'One order'", "summary: 'An order'"),
        ),
    },
    {
      command: 'knip',
      tells: /clients\/typescript\/src\/planted\.ts/,
      plant: (one) => one.plant('clients/typescript/src/planted.ts', planted),
    },
    {
      command: 'oxlint --type-aware clients',
      tells:
        /clients\/typescript\/src\/planted\.ts[\s\S]*no-explicit-any|no-explicit-any[\s\S]*clients\/typescript\/src\/planted\.ts/,
      plant: async () => {},
    },
    {
      command: 'tsx scripts/client.ts --check',
      tells: /api\.ts is not what openapi\.json says/,
      plant: (one) => one.edit('openapi.json', (text) => text.replaceAll('"placedAt"', '"orderedAt"')),
    },
    {
      command: 'tsx scripts/openapi-lint.ts',
      tells: /operation-summary: .*placeOrder|operation-summary: .*orders\/post/,
      plant: (one) => one.edit('openapi.json', (text) => text.replace(/"summary": "Place an order[^"]*",/, '')),
    },
    // A field that went away: whoever reads it no longer compiles.
    {
      command: 'tsc -p clients/typescript --noEmit',
      tells: /session\.ts\(\d+,\d+\): error TS2344/,
      plant: async (one) => {
        await one.edit('openapi.json', (text) => text.replaceAll('"refreshToken"', '"renewalToken"'));
        await one.run('tsx scripts/client.ts');
      },
    },
    {
      command: 'tsc --noEmit',
      tells: /tests\/client\.test\.ts\(\d+,\d+\): error TS2\d+: .*placedAt/,
      plant: async () => {},
    },
    {
      command: 'tsx scripts/env-example.ts --check',
      tells: /differs from the configuration schema/,
      plant: (one) => one.plant('.env.example', 'PLANTED=1\n'),
    },
    {
      command: 'tsx scripts/help.ts',
      tells: /help and package\.json differ: planted/,
      plant: (one) =>
        one.edit('package.json', (text) => text.replace('"scripts": {', '"scripts": { "planted": "true",')),
    },
    {
      command: 'tsx scripts/openapi.ts',
      tells: /get \/orders\/\{id\} names neither a permission nor public/,
      plant: (one) =>
        one.edit('modules/orders/order.routes.ts', (text) =>
          text.replace(/(route\('get', '\/orders\/\{id\}', )\[[^\]]*\]/, '$1[]'),
        ),
    },
  ];

  test.each(checks)('$command', { timeout: 60 * SECONDS }, async ({ command, tells, plant }) => {
    await plant(tree);
    const { code, output } = await tree.run(command);
    expect(output).toMatch(tells);
    expect(code).not.toBe(0);
  });
});

/** The very one that the module was given: its service holds it, alone or among its needs. */
function databaseOf({ modules: all }: TestApp, name: string): Database {
  const service: unknown = listModules(all).find((one) => one.name === name)?.service;
  const held: unknown =
    Reflect.get(service as object, 'database') ??
    Reflect.get(Reflect.get(service as object, 'deps') as object, 'database');
  return held as Database;
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(join(new URL('..', import.meta.url).pathname, folder), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
}

async function sourcesIn(folder: string): Promise<string[]> {
  const files = await readdir(join(root, folder), { recursive: true });
  return files.filter((file) => file.endsWith('.ts')).map((file) => join(folder, file));
}

/** Values only: an import that is all types is gone at run time. */
async function importsBetweenRooms(): Promise<Map<string, Set<string>>> {
  const edges = new Map<string, Set<string>>();
  for (const file of (await sourcesIn('shared')).filter((one) => !one.includes('/tests/'))) {
    const [, room = ''] = file.split('/');
    const text = await readFile(join(root, file), 'utf8');
    for (const [, names = '', other = ''] of text.matchAll(/^import (?!type )([^;]*?) from '\.\.\/([a-z]+)\//gm)) {
      if (isAllTypes(names)) continue;
      edges.set(room, (edges.get(room) ?? new Set()).add(other));
    }
  }
  return edges;
}

const isAllTypes = (names: string): boolean =>
  names.startsWith('{') &&
  names
    .replaceAll(/[{}]/g, '')
    .split(',')
    .every((name) => name.trim() === '' || name.trim().startsWith('type '));

function circleIn(edges: Map<string, Set<string>>, path: string[] = []): string[] | null {
  const last = path.at(-1);
  if (last !== undefined && path.indexOf(last) < path.length - 1) return path.slice(path.indexOf(last));
  const next = last === undefined ? [...edges.keys()] : [...(edges.get(last) ?? [])];
  for (const room of next) {
    const circle = circleIn(edges, [...path, room]);
    if (circle !== null) return circle;
  }
  return null;
}
