// What of an order may be sent, and when all of it has arrived: pure.
import { conflict, malformed, unprocessable, type Fault } from '../../shared/errors/app-error.ts';
import type { Action, OrderState } from './order.ts';

export type ParcelStatus = 'shipped' | 'delivered';

export type OrderedLine = { id: string; sku: string; quantity: number; fulfilledQuantity: number };
export type RequestedPart = { lineId: string; quantity: number };
export type Part = RequestedPart & { sku: string };

/**
 * The parts that are sent: those named, or all that is left.
 * @throws malformed `duplicate_line`; unprocessable `unknown_line`, `fulfillment_exceeds_ordered` with what is left
 */
export function partsToSend(lines: OrderedLine[], requested: RequestedPart[] | undefined): Part[] {
  const left = new Map(lines.map((line) => [line.id, { sku: line.sku, quantity: leftOf(line) }]));
  if (requested === undefined)
    return [...left].flatMap(([lineId, rest]) => (rest.quantity > 0 ? [{ lineId, ...rest }] : []));
  refuseRepeated(requested);
  return requested.map((part, i) => {
    const rest = left.get(part.lineId);
    if (rest === undefined) throw unknownLine(i);
    if (part.quantity > rest.quantity) throw exceeds(i, rest.quantity);
    return { ...part, sku: rest.sku };
  });
}

const leftOf = ({ quantity, fulfilledQuantity }: OrderedLine): number => quantity - fulfilledQuantity;

/** The step that sending these parts is for the order. */
export function stepOf(lines: OrderedLine[], parts: Part[]): Action & ('fulfil' | 'fulfil_part') {
  const left = lines.reduce((sum, line) => sum + leftOf(line), 0);
  const sent = parts.reduce((sum, { quantity }) => sum + quantity, 0);
  return sent === left ? 'fulfil' : 'fulfil_part';
}

/** What was sent in part may arrive in any order; an order is complete when all was sent and all has arrived. */
export const isComplete = ({ status }: Pick<OrderState, 'status'>, underWayCount: number): boolean =>
  status === 'fulfilled' && underWayCount === 0;

/** @throws conflict `fulfillment_status_forbidden` with `allowed` */
export function requireUnderWay({ status }: { status: ParcelStatus }): void {
  if (status === 'shipped') return;
  throw conflict('fulfillment_status_forbidden', 'This fulfillment was delivered already.', {
    facts: { allowed: ['shipped'] },
  });
}

function refuseRepeated(requested: RequestedPart[]): void {
  const message = 'Each line may be named once.';
  const faults = requested.flatMap(({ lineId }, i) =>
    requested.findIndex((part) => part.lineId === lineId) < i ? [fault(i, 'lineId', 'duplicate_line', message)] : [],
  );
  if (faults.length > 0) throw malformed('duplicate_line', message, { faults });
}

function unknownLine(i: number) {
  const message = 'The order has no line with this id.';
  return unprocessable('unknown_line', message, { faults: [fault(i, 'lineId', 'unknown_line', message)] });
}

function exceeds(i: number, left: number) {
  const code = 'fulfillment_exceeds_ordered';
  const message = 'More than is left to send.';
  return unprocessable(code, message, { faults: [{ ...fault(i, 'quantity', code, message), left }] });
}

const fault = (i: number, field: string, code: string, message: string): Fault => ({
  pointer: `/lines/${i}/${field}`,
  code,
  message,
});
