// Makes the demo shop through the services of the modules, so that every rule of the house holds for it; what is there already stays.
import { randomBytes, randomUUID } from 'node:crypto';
import type { Modules } from '../../app.ts';
import { permissionsOf, type Role } from '../../modules/users/index.ts';
import type { Database } from '../../shared/database/database.ts';
import type { Actor } from '../../shared/http/actor.ts';
import type { IdempotencyKey } from '../../shared/idempotency/idempotency-key.ts';
import type { Plan, PlannedOrder, PlannedProduct } from './plan.ts';

type Deps = {
  modules: Modules;
  /** The same shop, whose reservations end at once: for orders that nobody pays. */
  impatient: Modules;
  database: Database;
  /** Lets everybody hear what was told: payments give back what a cancelled order had paid. */
  settle: () => Promise<unknown>;
  /** The login of its staff; null when they are known: nobody can tell the password a second time. */
  onStaff: (login: Login | null) => void;
  /** Called once for each product, customer and order. */
  onStep: (what: string) => void;
};
export type Login = { email: string; password: string };

const STAFF_EMAIL = 'demo-staff@example.com';
const emailOf = (customer: number) => `demo-customer-${String(customer + 1).padStart(2, '0')}@example.com`;

export class DemoShop {
  private readonly deps: Deps;
  private readonly plan: Plan;

  constructor(plan: Plan, deps: Deps) {
    this.plan = plan;
    this.deps = deps;
  }

  async make(): Promise<void> {
    const { actor: staff, login } = await this.person('admin', STAFF_EMAIL, 'Demo staff');
    this.deps.onStaff(login);
    for (const product of this.plan.products) await this.sell(staff, product);
    const customers: Actor[] = [];
    for (let i = 0; i < this.plan.customers; i++) customers.push(await this.customer(i));
    const known = await this.knownNotes(customers);
    for (const order of this.plan.orders) {
      const customer = customers[order.customer];
      if (customer !== undefined && !known.has(order.note)) await this.tell(staff, customer, order);
      this.deps.onStep('orders');
    }
  }

  private async customer(i: number): Promise<Actor> {
    const { actor } = await this.person('customer', emailOf(i), `Demo customer ${i + 1}`);
    this.deps.onStep('customers');
    return actor;
  }

  private async person(role: Role, email: string, name: string): Promise<{ actor: Actor; login: Login | null }> {
    const { service, managedUsers } = this.deps.modules.users;
    const [known] = (await managedUsers.list({ email })).items;
    const password = randomBytes(12).toString('base64url');
    const { id: userId } = known ?? (await service.createUser({ email, name, password, role }));
    const actor: Actor = { kind: 'user', userId, sessionId: null, role, permissions: permissionsOf(role) };
    return { actor, login: known === undefined ? { email, password } : null };
  }

  /** With a few movements, so that the ledger has something to tell. */
  private async sell(staff: Actor, product: PlannedProduct): Promise<void> {
    const { service, stock } = this.deps.modules.catalog;
    const skus = product.variants.map(({ sku }) => sku);
    const isThere = (await service.findForSale(skus)).length > 0;
    if (!isThere) {
      await service.create(staff, { ...product, status: 'active' });
      const [sku = ''] = skus;
      await stock.adjust(staff, { sku, delta: 24, reason: 'Delivery' }, newKey());
      await stock.adjust(staff, { sku, delta: -1, reason: 'Broken in the store' }, newKey());
    }
    this.deps.onStep('products');
  }

  private async knownNotes(customers: Actor[]): Promise<Set<string>> {
    const { service } = this.deps.modules.orders;
    const notes = new Set<string>();
    for (const customer of customers) {
      const { items } = await service.list(customer, { limit: 100 });
      for (const { note } of items) if (note !== null) notes.add(note);
    }
    return notes;
  }

  /** From placing to its fate, and then back to the day when it is said to have happened. */
  private async tell(staff: Actor, customer: Actor, order: PlannedOrder): Promise<void> {
    const { modules, impatient } = this.deps;
    const { service } = order.fate === 'expired' ? impatient.orders : modules.orders;
    const { lines, note, customer: i } = order;
    const shippingAddress = {
      name: `Demo customer ${i + 1}`,
      line1: `Example Street ${i + 1}`,
      city: 'Example',
      country: 'DE',
    };
    const { result } = await service.place(customer, { lines, note, shippingAddress }, newKey());
    await this.meetFate(staff, customer, order, result);
    await this.deps.settle();
    await this.moveBack(result.id, order.ageHours);
  }

  private async meetFate(staff: Actor, customer: Actor, { fate }: PlannedOrder, order: PlacedOrder): Promise<void> {
    const { orders } = this.deps.modules;
    switch (fate) {
      case 'pending':
        return;
      case 'expired':
        return void (await orders.service.expireOverdue());
      case 'asked_back':
        return this.pay(customer, order, 'tok_requires_action');
      case 'authorized':
        return this.pay(customer, order, 'tok_ok', false);
      case 'cancelled':
        return void (await orders.service.cancel(customer, order.id, { reason: 'Changed my mind' }, newKey()));
      case 'paid_and_cancelled':
        await this.pay(customer, order);
        return void (await orders.service.cancel(customer, order.id, { reason: 'Ordered twice' }, newKey()));
      case 'confirmed':
        return this.pay(customer, order);
      case 'sent_in_part':
      case 'sent':
      case 'delivered':
      case 'refunded_in_part':
      case 'returned_line':
      case 'refunded':
        await this.pay(customer, order);
        return this.send(staff, fate, order);
    }
  }

  private async send(staff: Actor, fate: PlannedOrder['fate'], order: PlacedOrder): Promise<void> {
    const { fulfillments } = this.deps.modules.orders;
    const [{ id: lineId } = { id: '' }] = order.lines;
    const parcel = { carrier: 'Demo Parcel', ...(fate === 'sent_in_part' && { lines: [{ lineId, quantity: 1 }] }) };
    const { result: sent } = await fulfillments.fulfil(staff, order.id, parcel, newKey());
    if (fate === 'sent_in_part' || fate === 'sent') return;
    await fulfillments.deliver(staff, sent.id, newKey());
    await this.refund(staff, fate, order, lineId);
  }

  private async refund(staff: Actor, fate: PlannedOrder['fate'], order: PlacedOrder, lineId: string): Promise<void> {
    const wishes: Partial<Record<typeof fate, object>> = {
      refunded_in_part: { amount: { amount: 100, currency: order.total.currency }, reason: 'Late by a week' },
      returned_line: { lines: [{ lineId, quantity: 1 }], reason: 'Did not fit', restock: true },
      refunded: { reason: 'Arrived broken' },
    };
    const wish = wishes[fate];
    if (wish === undefined) return;
    await this.deps.modules.payments.refundService.refund(staff, order.id, { reason: '', ...wish }, newKey());
  }

  private async pay(customer: Actor, { id }: PlacedOrder, token = 'tok_ok', capture = true): Promise<void> {
    await this.deps.modules.payments.service.pay(customer, id, { token, capture }, newKey());
  }

  /**
   * The one statement past the services: orders are placed now and nowhere else in time, as no service should let anybody
   * place them yesterday. Without it no order of the demo would be late.
   */
  private async moveBack(orderId: string, hours: number): Promise<void> {
    await this.deps.database.query(
      `WITH placed AS (UPDATE orders.orders SET placed_at = placed_at - $2 * interval '1 hour' WHERE id = $1),
       sent AS (UPDATE orders.fulfillments SET shipped_at = shipped_at - $2 * interval '1 hour',
         delivered_at = delivered_at - $2 * interval '1 hour' WHERE order_id = $1)
       UPDATE orders.transitions SET happened_at = happened_at - $2 * interval '1 hour' WHERE order_id = $1`,
      [orderId, hours],
    );
  }
}

type PlacedOrder = { id: string; lines: { id: string }[]; total: { currency: string } };

/** Each is an intent of its own: what happened already is found by its marker, also after the keys are forgotten. */
const newKey = (): IdempotencyKey => ({ scope: 'db:seed', key: randomUUID(), fingerprint: 'db:seed' });
