// The page on which a customer of the test provider approves or declines a charge: what a bank would show.
import { Router, type RequestHandler, type Response } from 'express';
import { currencyExponents } from '../../../shared/domain/money.ts';
import { id as idSchema } from '../../../shared/http/schemas.ts';
import type { ChargeRow } from './test-provider.repository.ts';
import type { TestProvider } from './test-provider.ts';

const PAGE_PATH = '/test-provider/charges/:id';

/** To be mounted at the root, outside the API. */
export function testProviderRouter(provider: TestProvider): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router.get(PAGE_PATH, showCharge(provider));
  router.post(`${PAGE_PATH}/approve`, decideCharge(provider, 'approve'));
  router.post(`${PAGE_PATH}/decline`, decideCharge(provider, 'decline'));
  return router;
}

const showCharge =
  (provider: TestProvider): RequestHandler<{ id: string }> =>
  async ({ params }, response) => {
    const charge = isId(params.id) ? await provider.findCharge(params.id) : null;
    if (charge === null) sendPage(response, 404, '<p>There is no such charge.</p>');
    else sendPage(response, 200, chargeOf(charge));
  };

/** Back to the page, so that a reload does not decide again. */
const decideCharge =
  (provider: TestProvider, decision: 'approve' | 'decline'): RequestHandler<{ id: string }> =>
  async ({ params }, response) => {
    const charge = isId(params.id) ? await provider.decide(params.id, decision) : null;
    if (charge === null) sendPage(response, 404, '<p>There is no such charge.</p>');
    else response.set('Cache-Control', 'no-store').redirect(303, `/test-provider/charges/${charge.id}`);
  };

const isId = (text: string): boolean => idSchema.safeParse(text).success;

function chargeOf({ id, status, amountMinor, currency }: ChargeRow): string {
  const amount = (amountMinor / 10 ** (currencyExponents.get(currency) ?? 2)).toFixed(
    currencyExponents.get(currency) ?? 2,
  );
  const form = (decision: string, label: string) =>
    `<form method="post" action="/test-provider/charges/${id}/${decision}"><button>${label}</button></form>`;
  const forms = status === 'requires_action' ? form('approve', 'Approve') + form('decline', 'Decline') : '';
  return `<p>Charge of ${amount} ${currency}: <strong>${status.replaceAll('_', ' ')}</strong></p>${forms}`;
}

/** Nothing but forms, and nothing from outside: all that is filled in is ours (a UUID, a number, a code, a status). */
function sendPage(response: Response, status: number, content: string): void {
  response
    .status(status)
    .set('Content-Security-Policy', "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
    .set('Cache-Control', 'no-store')
    .type('html')
    .send(
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>Test provider</title><h1>Test provider</h1><p>No money moves here.</p>${content}</html>`,
    );
}
