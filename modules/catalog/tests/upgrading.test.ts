// A shop that was there before a migration: its products are found, and its ledger gets the causes it had not told.
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrate } from '../../../shared/database/migrate.ts';
import { startRoomDatabase, type RoomDatabase } from '../../../tests/support/room-database.ts';
import { catalogMigrations } from '../index.ts';

let room: RoomDatabase;
let folder: string;

beforeAll(async () => {
  room = await startRoomDatabase();
  await room.sql('DROP SCHEMA catalog CASCADE');
  await room.sql(`DELETE FROM migrations.applied WHERE schema = 'catalog'`);
  folder = await mkdtemp(join(tmpdir(), 'waybill-upgrade-'));
});
afterAll(async () => {
  await room.close();
  await rm(folder, { recursive: true, force: true });
});

const PRODUCT = '01939d3a-7c1e-7b1a-8f00-000000000001';
const MOVEMENT = '01939d3a-7c1e-7b1a-8f00-000000000002';
const ORDER = '01939d3a-7c1e-7b1a-8f00-000000000003';

/** As the first two migrations made it. */
async function openOldShop(): Promise<void> {
  for (const name of ['0001_products.sql', '0002_stock.sql'])
    await cp(new URL(name, catalogMigrations.directory), join(folder, name));
  await migrate(room.url, [{ schema: 'catalog', directory: pathToFileURL(`${folder}/`) }]);
  await room.sql(`INSERT INTO catalog.products (id, title, status) VALUES ('${PRODUCT}', 'Enamel mug', 'active')`);
  await room.sql(
    `INSERT INTO catalog.variants (id, product_id, sku, title, amount, currency, tax_rate_bps) VALUES ('${PRODUCT}', '${PRODUCT}', 'MUG-1', 'blue', 1, 'EUR', 0)`,
  );
  await room.sql(
    `INSERT INTO catalog.stock_movements (id, sku, kind, on_hand_delta, reserved_delta, on_hand, reserved, reason, order_id, created_at) VALUES
       (NULL, 'MUG-1', 'adjustment', 9, 0, 9, 0, NULL, NULL, '2026-11-21 10:00:00Z'),
       ('${MOVEMENT}', 'MUG-1', 'adjustment', 1, 0, 10, 0, 'Found', NULL, '2026-11-21 11:00:00Z'),
       (NULL, 'MUG-1', 'reservation', 0, 1, 10, 1, NULL, '${ORDER}', '2026-11-21 12:00:00Z')`,
  );
}

it('goes on as if it had always been so', async () => {
  await openOldShop();
  const all = (await readdir(catalogMigrations.directory)).filter((name) => name.endsWith('.sql')).toSorted();
  expect(await migrate(room.url, [catalogMigrations])).toEqual(all.slice(2).map((name) => `catalog/${name}`));
  const found = await room.sql(
    `SELECT id FROM catalog.products WHERE search @@ websearch_to_tsquery('simple', catalog.words_of('MUG-1 blue enamel'))`,
  );
  expect(found).toEqual([{ id: PRODUCT }]);
  const ledger = await room.sql(
    `SELECT left(id::text, 13) AS "idBegin", reason, order_id AS "orderId", on_hand AS "onHand" FROM catalog.stock_movements ORDER BY seq`,
  );
  const millis = (text: string) => {
    const hex = Date.parse(text).toString(16).padStart(12, '0');
    return `${hex.slice(0, 8)}-${hex.slice(8)}`;
  };
  expect(ledger).toEqual([
    { idBegin: millis('2026-11-21T10:00:00Z'), reason: 'Opening stock', orderId: null, onHand: 9 },
    { idBegin: MOVEMENT.slice(0, 13), reason: 'Found', orderId: null, onHand: 10 },
    { idBegin: millis('2026-11-21T12:00:00Z'), reason: null, orderId: ORDER, onHand: 10 },
  ]);
  await expect(room.sql('DELETE FROM catalog.stock_movements')).rejects.toThrow('append-only');
});
