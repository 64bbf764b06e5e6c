// What the stories of orders are told with: a row that is held while others wait for it.
import { expect } from 'vitest';
import type { TestApp } from '../../../tests/support/app.ts';

/** Holds the order's row; `held(n)` resolves when n others wait for it. */
export async function holdOrder(app: TestApp, id: string) {
  let letGo: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (letGo = resolve));
  let locked: () => void = () => undefined;
  const isLocked = new Promise<void>((resolve) => (locked = resolve));
  const holder = app.database.transaction(async (tx) => {
    await tx.query('SELECT id FROM orders.orders WHERE id = $1 FOR UPDATE', [id]);
    locked();
    await released;
  });
  await isLocked;
  const held = async (count: number) => {
    const waiting = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await expect.poll(async () => (await app.sql(waiting))[0]?.['count'], { timeout: 900, interval: 10 }).toBe(count);
  };
  return {
    held,
    release: async () => {
      letGo();
      await holder;
    },
  };
}
