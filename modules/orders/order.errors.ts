// Every way a request about an order can fail, in words: the pages under /docs/errors/.

export const orderErrorPages: Record<string, string> = {
  order_not_found:
    'There is no order with this id among those you may see. Somebody else’s order answers the same way.',
  order_status_forbidden:
    'The order is in a status in which this step is not possible. The member allowed lists the statuses in which it is. Read the order again before deciding what to do.',
  order_not_paid:
    'The money of this order was given back or released, or is on its way back, so nothing of it is sent. The member allowed lists the payment statuses in which it is. An order of which nothing was sent can be cancelled, which frees its stock.',
  fulfillment_not_found: 'There is no fulfillment with this id.',
  fulfillment_status_forbidden:
    'The fulfillment was delivered already. The member allowed lists the statuses in which a delivery is possible.',
  fulfillment_exceeds_ordered:
    'More of a line was named than is left to send, so nothing was sent. errors[] points at it, and left tells how many are.',
  product_unavailable: 'The product is a draft or was archived, so it cannot be ordered. errors[] points at the lines.',
  mixed_currencies: 'All lines of one order must be priced in one currency. Place one order per currency.',
  total_too_large: 'The total is more than 2^53 − 1 minor units and could not be counted exactly.',
  price_changed:
    'The total is not the expectedTotal you sent. The member total is today’s; show it to the customer and send it as the new expectedTotal, with a new Idempotency-Key.',
  insufficient_stock:
    'Less is available than was ordered, so nothing was reserved. errors[] points at each short line and tells how many are available.',
  customer_unknown: 'customerId is not the id of an active account.',
  exports_busy: 'As many exports are under way as this server allows at a time. Wait as Retry-After says.',
  prices_in_motion: 'The prices changed each time the order was about to be placed. Nothing was placed; try again.',
};
