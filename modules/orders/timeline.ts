// Whose doing an entry of the timeline was, and how much of it a customer is told: pure.

export type Deed = {
  action: string;
  actorKind: 'user' | 'api_key' | null;
  actorId: string | null;
  requestId: string | null;
};
export type Doer = {
  type: 'customer' | 'staff' | 'api_key' | 'payment' | 'system';
  id: string | null;
  requestId: string | null;
};

/** What a customer sees of the house is that it acted: not who in it, nor how they call their requests. */
export function doerOf(deed: Deed, customerId: string, { isForStaff }: { isForStaff: boolean }): Doer {
  const { actorId: id, requestId } = deed;
  const type = typeOf(deed, customerId);
  const isOfHouse = type === 'staff' || type === 'api_key';
  return isOfHouse && !isForStaff ? { type: 'staff', id: null, requestId: null } : { type, id, requestId };
}

function typeOf({ action, actorKind, actorId }: Deed, customerId: string): Doer['type'] {
  if (actorId === null) return action === 'confirm' || action.startsWith('payment.') ? 'payment' : 'system';
  if (actorKind === 'api_key') return 'api_key';
  return actorId === customerId ? 'customer' : 'staff';
}

/** The history names its rows by the step of the state table, the API by the fact. */
const factOfStep: Record<string, string> = {
  place: 'order.placed',
  confirm: 'order.confirmed',
  expire: 'order.expired',
  cancel: 'order.cancelled',
  fulfil_part: 'fulfillment.created',
  fulfil: 'fulfillment.created',
  deliver: 'fulfillment.delivered',
  complete: 'fulfillment.delivered',
};

export const factOf = (action: string): string => factOfStep[action] ?? action;
