// What each error code of payments means and what to do: the pages under /docs/errors.

export const paymentErrorPages: Record<string, string> = {
  payment_not_found:
    'There is no such payment, or it is not yours. Check the id; the payments of an order are listed at GET /orders/{id}/payments.',
  payment_declined:
    'The provider declined the payment; `reason` says why as far as it told, and `paymentId` names the attempt. The order stays as it is and can be paid with another token and a new Idempotency-Key until it expires.',
  payment_in_progress:
    'Another payment of this order is under way or holds the money already. Look at GET /orders/{id}/payments: finish what it asks for, or wait until it is settled. To try again, use a new Idempotency-Key.',
  payment_status_forbidden:
    'The payment is in a status that does not allow this step; `allowed` lists the statuses that do. Read the payment again before you decide what to do.',
  provider_unknown:
    'No payment provider of this name is set up here. Check the address that the provider was given for its events.',
  provider_unavailable:
    'The payment provider has not confirmed the step yet. It is not lost: it is tried again in the background. Repeat the request with the same Idempotency-Key to learn the outcome.',
  signature_invalid:
    'The signature of the event is missing, wrong or more than five minutes old. Check that both sides have the same secret, that the body is sent byte for byte as it was signed, and that the clocks agree.',
};
