// What each error code of refunds means and what to do: the pages under /docs/errors.

export const refundErrorPages: Record<string, string> = {
  refund_exceeds_captured:
    'Of what was captured for this order less is left than you want to refund; `left` says how much. Refunds that are pending count, those that failed do not. Refund at most what is left.',
  refund_exceeds_ordered:
    'Of this line less is left than you want to refund: each piece is refunded at most once. `left` in `errors[]` says how many pieces are left; the refunds of the order are listed at GET /orders/{id}/refunds.',
  restock_exceeds_shipped:
    'Only what was sent can come back: `left` in `errors[]` says how many pieces of the line were sent and are not back yet. Pieces that were not sent are still reserved; refund them without `restock`.',
  currency_mismatch: 'The amount is not in the currency in which the order was paid. Refund in that currency.',
  nothing_to_refund:
    'What you named comes to an amount of zero: it was free, or its share of the line rounds to nothing. Name more pieces of the line at once; to put goods back, adjust the stock.',
  refund_declined:
    'The provider refused the refund, and nothing was given back; `reason` says why as far as it told, and `refundId` names the attempt. The amount can be refunded again with a new Idempotency-Key.',
};
