// Migrations: once, in order, whoever starts at the same time; and history stays as it was.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startRoomDatabase, type RoomDatabase } from '../../../tests/support/room-database.ts';
import { migrate, pendingMigrations, type MigrationSource } from '../migrate.ts';

let room: RoomDatabase;
let folder: string;
let parcels: MigrationSource;

beforeEach(async () => {
  room = await startRoomDatabase();
  folder = await mkdtemp(join(tmpdir(), 'waybill-migrations-'));
  parcels = await source('parcels', {
    '0001_parcels.sql': 'CREATE TABLE parcels.parcels (id int);',
    '0002_label.sql': 'ALTER TABLE parcels.parcels ADD label text;',
  });
});
afterEach(async () => {
  await room.close();
  await rm(folder, { recursive: true, force: true });
});

async function source(schema: string, files: Record<string, string>): Promise<MigrationSource> {
  const directory = join(folder, schema);
  await mkdir(directory, { recursive: true });
  await Promise.all(Object.entries(files).map(([name, sql]) => writeFile(join(directory, name), sql)));
  return { schema, directory: pathToFileURL(`${directory}/`) };
}

const write = (name: string, sql: string) => writeFile(join(folder, 'parcels', name), sql);
const schemas = async () =>
  (
    await room.sql<{ name: string }>(`SELECT nspname AS name FROM pg_namespace WHERE nspname IN ('parcels', 'carts')`)
  ).map(({ name }) => name);
const applied = () =>
  room.sql<{ name: string }>(
    `SELECT schema || '/' || name AS name FROM migrations.applied WHERE schema IN ('parcels', 'carts') ORDER BY applied_at, schema, name`,
  );
const both = ['parcels/0001_parcels.sql', 'parcels/0002_label.sql'];

describe('applying', () => {
  test('happens once, in order, in the schema of each source', async () => {
    const carts = await source('carts', { '0001_carts.sql': 'CREATE TABLE carts.carts (id int);' });
    expect(await migrate(room.url, [parcels, carts])).toEqual([...both, 'carts/0001_carts.sql']);
    expect(await migrate(room.url, [parcels, carts])).toEqual([]);
    expect(await room.sql('SELECT id, label FROM parcels.parcels')).toEqual([]);
  });

  test('a new file is applied alone; what is no SQL is let be', async () => {
    await migrate(room.url, [parcels]);
    await write('0003_weight.sql', 'ALTER TABLE parcels.parcels ADD weight int;');
    await write('README.md', 'not for PostgreSQL');
    expect(await migrate(room.url, [parcels])).toEqual(['parcels/0003_weight.sql']);
  });

  test('four processes that start at once: one applies, the others wait and find it done', async () => {
    await write('0003_slow.sql', 'SELECT pg_sleep(0.3);');
    const results = await Promise.all(Array.from({ length: 4 }, () => migrate(room.url, [parcels])));
    expect(results.map((files) => files.length).toSorted((one, other) => one - other)).toEqual([0, 0, 0, 3]);
    expect(await applied()).toHaveLength(3);
  });

  test('one that fails leaves nothing, says which file, and works once it is mended', async () => {
    await write('0002_label.sql', 'ALTER TABLE parcels.no_such_table ADD label text;');
    await expect(migrate(room.url, [parcels])).rejects.toThrow(
      /migration parcels\/0002_label\.sql failed: .*no_such_table/,
    );
    expect([await schemas(), await applied()]).toEqual([[], []]);
    await write('0002_label.sql', 'ALTER TABLE parcels.parcels ADD label text;');
    expect(await migrate(room.url, [parcels])).toEqual(both);
  });
});

describe('history', () => {
  test('an applied file that was edited is refused, by migrating and by looking, and nothing new is applied', async () => {
    await migrate(room.url, [parcels]);
    await write('0001_parcels.sql', 'CREATE TABLE parcels.parcels (id bigint);');
    await write('0003_weight.sql', 'ALTER TABLE parcels.parcels ADD weight int;');
    await expect(migrate(room.url, [parcels])).rejects.toThrow(
      'migration parcels/0001_parcels.sql was edited after it was applied',
    );
    await expect(pendingMigrations(room.url, [parcels])).rejects.toThrow('parcels/0001_parcels.sql was edited');
    expect(await applied()).toHaveLength(2);
  });

  test('files that only a newer version knows are let be: the older one still starts', async () => {
    await write('0003_newer.sql', 'SELECT 1;');
    await migrate(room.url, [parcels]);
    await rm(join(folder, 'parcels', '0003_newer.sql'));
    expect(await migrate(room.url, [parcels])).toEqual([]);
    expect(await pendingMigrations(room.url, [parcels])).toEqual([]);
  });
});

describe('looking', () => {
  test('lists what is missing and changes nothing', async () => {
    expect(await pendingMigrations(room.url, [parcels])).toEqual(both);
    expect(await schemas()).toEqual([]);
    await migrate(room.url, [parcels]);
    expect(await pendingMigrations(room.url, [parcels])).toEqual([]);
  });

  test('works on a database that was never migrated', async () => {
    await room.sql('DROP SCHEMA migrations CASCADE');
    expect(await pendingMigrations(room.url, [parcels])).toEqual(both);
  });
});

test('a server that is not there is an error, not a wait', async () => {
  await expect(migrate('postgresql://waybill@127.0.0.1:1/none', [parcels])).rejects.toThrow(/ECONNREFUSED/);
});
