// The use cases of stock: read, adjust, and release or ship for an order.
import type { Database, Transaction } from '../../shared/database/database.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { newId } from '../../shared/domain/ids.ts';
import { decodeCursor, toPage, type Page } from '../../shared/domain/page.ts';
import { unprocessable } from '../../shared/errors/app-error.ts';
import type { Actor } from '../../shared/http/actor.ts';
import { PAGE_LIMIT_DEFAULT } from '../../shared/http/schemas.ts';
import type { IdempotencyKey } from '../../shared/idempotency/idempotency-key.ts';
import type { Idempotency, Outcome } from '../../shared/idempotency/idempotency.ts';
import { faultsOf } from './stock.ts';
import type { StockRepository } from './stock.repository.ts';
import type { AdjustStock, ListStock } from './stock.validation.ts';
import { presentLevel, presentMovement } from './stock.view.ts';

type Level = ReturnType<typeof presentLevel>;
type Movement = ReturnType<typeof presentMovement>;
type Deps = { database: Database; idempotency: Idempotency; stock: StockRepository; audit: Audit };

/** Two thousand million: two adjustments of the largest size fit below the column's 2^31. */
const ON_HAND_MAX = 2_000_000_000;

export class StockService {
  private readonly deps: Deps;

  constructor(deps: Deps) {
    this.deps = deps;
  }

  async list({ limit = PAGE_LIMIT_DEFAULT, cursor, sku }: ListStock): Promise<Page<Level>> {
    const [afterSku = null] =
      cursor === undefined ? [] : decodeCursor(cursor, [(text) => text.length <= 64 && !text.includes('\0')]);
    const rows = await this.deps.stock.list(this.deps.database, { sku: sku ?? null, afterSku, limit: limit + 1 });
    const { items, nextCursor } = toPage(rows, limit, (level) => [level.sku]);
    return { items: items.map(presentLevel), nextCursor };
  }

  /** Newest first. @throws malformed `cursor_invalid` */
  async listMovements({ limit = PAGE_LIMIT_DEFAULT, cursor, sku }: ListStock): Promise<Page<Movement>> {
    const [beforeSeq = null] = cursor === undefined ? [] : decodeCursor(cursor, [isSeq]);
    const rows = await this.deps.stock.listMovements(this.deps.database, {
      sku: sku ?? null,
      beforeSeq,
      limit: limit + 1,
    });
    const { items, nextCursor } = toPage(rows, limit, ({ seq }) => [seq]);
    return { items: items.map(presentMovement), nextCursor };
  }

  /** @throws unprocessable `unknown_sku`, `stock_below_reserved`, `stock_too_large` */
  adjust(actor: Actor, { sku, delta, reason }: AdjustStock, key: IdempotencyKey): Promise<Outcome<Movement>> {
    return this.deps.idempotency.run(this.deps.database, key, async (tx) => {
      const [level] = await this.deps.stock.lock(tx, [sku]);
      if (level === undefined) throw refused('unknown_sku', '/sku', 'There is no such SKU.');
      const onHand = level.onHand + delta;
      if (onHand < level.reserved)
        throw refused('stock_below_reserved', '/delta', `${level.reserved} of ${level.onHand} are reserved.`);
      if (onHand > ON_HAND_MAX) throw refused('stock_too_large', '/delta', `At most ${ON_HAND_MAX} can be on hand.`);
      const movement = presentMovement(await this.deps.stock.adjust(tx, { id: newId(), sku, delta, reason }));
      await this.deps.audit.record(tx, {
        actor,
        action: 'stock.adjusted',
        subject: { type: 'stock_movement', id: movement.id },
        before: presentLevel(level),
        after: movement,
      });
      return movement;
    });
  }

  /** For orders, in their transaction: an ended order's reservation is free again. @throws Error, for a defect: more than was reserved */
  release(tx: Transaction, orderId: string, lines: { sku: string; quantity: number }[]): Promise<void> {
    return this.moveReserved(tx, 'release', orderId, lines);
  }

  /** For orders, in their transaction: what was reserved leaves the house. @throws Error, for a defect: more than was reserved */
  ship(tx: Transaction, orderId: string, lines: { sku: string; quantity: number }[]): Promise<void> {
    return this.moveReserved(tx, 'shipment', orderId, lines);
  }

  private async moveReserved(
    tx: Transaction,
    kind: 'release' | 'shipment',
    orderId: string,
    lines: { sku: string; quantity: number }[],
  ): Promise<void> {
    const own = this.deps.database.join(tx);
    const levels = await this.deps.stock.lock(
      own,
      lines.map(({ sku }) => sku),
    );
    const reserved = new Map(levels.map((level) => [level.sku, level.reserved]));
    const isReserved =
      levels.length === lines.length && lines.every(({ sku, quantity }) => quantity <= (reserved.get(sku) ?? 0));
    if (!isReserved) throw new Error(`order ${orderId} has not reserved what this ${kind} is of`);
    await this.deps.stock.moveReserved(own, kind, orderId, lines);
  }

  /** For payments, in their transaction: what an order had sent has come back. @throws Error, for a defect: no such SKU */
  async restock(tx: Transaction, orderId: string, lines: { sku: string; quantity: number }[]): Promise<void> {
    const own = this.deps.database.join(tx);
    const skus = lines.map(({ sku }) => sku);
    const levels = await this.deps.stock.lock(own, skus);
    if (levels.length !== lines.length) throw new Error(`order ${orderId} returns what was never sold`);
    await this.deps.stock.restock(own, orderId, lines);
  }

  /** SKUs whose movements do not sum to their level: there should be none, ever. */
  async ledgerDifferences(): Promise<string[]> {
    return (await this.explainLevels()).map(({ sku }) => sku);
  }

  /** For the doctor: the same, in words. */
  async explainLevels(): Promise<{ sku: string; faults: string[] }[]> {
    const differences = await this.deps.stock.findDifferences(this.deps.database, null);
    return differences.map((counts) => ({ sku: counts.sku, faults: faultsOf(counts) }));
  }

  /** For the doctor: the ledger is append-only, so what it sums to is the level. */
  async rebuildLevel(sku: string): Promise<void> {
    const { database, stock, audit } = this.deps;
    await database.transaction(async (tx) => {
      const [level] = await stock.lock(tx, [sku]);
      const after = await stock.rebuildLevel(tx, sku);
      const views = { ...(level && { before: presentLevel(level) }), after: presentLevel(after) };
      await audit.record(tx, { actor: null, action: 'stock.rebuilt', subject: { type: 'stock', id: null }, ...views });
    });
  }

  /** For orders, in their transaction: what the ledger says that they have reserved; of one, or of all. */
  findHeld(tx: Transaction, orderId: string | null): Promise<{ orderId: string; sku: string; quantity: number }[]> {
    return this.deps.stock.findHeld(this.deps.database.join(tx), orderId);
  }

  /**
   * For npm run stock:reconcile, in its snapshot: also against what open orders hold, which orders know.
   * @returns what differs, in words; nothing is repaired
   */
  async reconcile(
    tx: Transaction,
    ordered: { sku: string; quantity: number }[],
  ): Promise<{ sku: string; faults: string[] }[]> {
    const differences = await this.deps.stock.findDifferences(this.deps.database.join(tx), ordered);
    return differences.map((counts) => ({ sku: counts.sku, faults: faultsOf(counts) }));
  }
}

/** 18 digits are always below 2^63. */
const isSeq = (text: string): boolean => /^\d{1,18}$/.test(text);

const refused = (code: string, pointer: string, message: string) =>
  unprocessable(code, message, { faults: [{ pointer, code, message }] });
