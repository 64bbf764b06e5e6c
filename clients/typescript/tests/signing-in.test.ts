// How the client says who it is, and gets new tokens once for many calls.
import { describe, expect, test, vi } from 'vitest';
import { ProblemError, type SessionTokens } from '../src/index.ts';
import { answer, fakeServer, lines, order, problem, type Asked } from './fake-server.ts';

const tokens = (n: number) => ({ accessToken: `access-${n}`, refreshToken: `refresh-${n}` });
const bearerOf = ({ headers }: Asked) => headers['Authorization'] ?? null;

/** Knows the newest access token only. */
function tokenServer(accepted: string, renewed: () => Response | Promise<Response>) {
  return fakeServer((asked) => {
    if (asked.url.endsWith('/auth/refresh')) return renewed();
    const isKnown = asked.headers['Authorization'] === `Bearer ${accepted}`;
    return (isKnown ? answer(201, order) : problem(401, 'token_expired'))(asked);
  });
}

describe('a login', () => {
  test('is kept for the calls after it, and ends with the logout', async () => {
    const { asked, client } = fakeServer(answer(200, { data: tokens(1) }), answer(201, order), () => new Response(null, { status: 204 }), answer(201, order)); // prettier-ignore
    const onTokens = vi.fn<(tokens: SessionTokens | null) => void>();
    const waybill = client({ onTokens });
    await waybill.logIn({ body: { email: 'a@example.com', password: 'x' } });
    await waybill.placeOrder(lines);
    expect(await waybill.logOut()).toMatchObject({ status: 204 });
    await waybill.placeOrder(lines);
    expect(asked.map(bearerOf)).toEqual([null, 'Bearer access-1', 'Bearer access-1', null]);
    expect(onTokens.mock.calls).toEqual([[tokens(1)], [null]]);
  });

  test('of an API key is never refreshed', async () => {
    const { asked, client } = fakeServer(problem(401, 'token_invalid'));
    await expect(client({ apiKey: 'wb_1' }).placeOrder(lines)).rejects.toMatchObject({ code: 'token_invalid' });
    expect(asked.map(bearerOf)).toEqual(['Bearer wb_1']);
  });
});

describe('an expired access token', () => {
  test('is renewed once for all calls that meet it, and each goes on under its own key', async () => {
    const { asked, client } = tokenServer('access-2', () => Response.json({ data: tokens(2) }));
    const onTokens = vi.fn<(tokens: SessionTokens | null) => void>();
    const waybill = client({ tokens: tokens(1), onTokens });
    const answers = await Promise.all(Array.from({ length: 8 }, () => waybill.placeOrder(lines)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 201));
    const refreshes = asked.filter(({ url }) => url.endsWith('/auth/refresh'));
    expect(refreshes.map(({ body }) => body)).toEqual([{ refreshToken: 'refresh-1' }]);
    expect(onTokens.mock.calls).toEqual([[tokens(2)]]);
    const keys = asked.flatMap(({ headers }) => headers['Idempotency-Key'] ?? []);
    expect([keys.length, new Set(keys).size]).toEqual([16, 8]);
  });

  test('found out late, after another call had renewed it, is not renewed again', async () => {
    let tellLate: ((answer: Response) => void) | undefined;
    const late = new Promise<Response>((resolve) => (tellLate = resolve));
    const { asked, client } = fakeServer(
      () => late,
      problem(401, 'token_expired'),
      answer(200, { data: tokens(2) }),
      answer(201, order),
    );
    const waybill = client({ tokens: tokens(1) });
    const slow = waybill.placeOrder(lines);
    await waybill.placeOrder(lines);
    tellLate?.(await problem(401, 'token_expired')(asked[0] as Asked));
    await slow;
    expect(asked.filter(({ url }) => url.endsWith('/auth/refresh'))).toHaveLength(1);
    expect(bearerOf(asked.at(-1) as Asked)).toBe('Bearer access-2');
  });

  test('whose login has ended is the caller’s 401, and the tokens are dropped', async () => {
    const { asked, client } = tokenServer('none', () => problem(401, 'refresh_token_invalid')({} as Asked));
    const onTokens = vi.fn<(tokens: SessionTokens | null) => void>();
    const waybill = client({ tokens: tokens(1), onTokens });
    const refused = await waybill.placeOrder(lines).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ProblemError);
    expect(refused).toMatchObject({ code: 'token_expired' });
    expect(onTokens.mock.calls).toEqual([[null]]);
    expect(asked).toHaveLength(2);
  });

  test('is not tried a third time', async () => {
    const { asked, client } = tokenServer('none', () => Response.json({ data: tokens(2) }));
    await expect(client({ tokens: tokens(1) }).placeOrder(lines)).rejects.toMatchObject({ code: 'token_expired' });
    expect(asked).toHaveLength(3);
  });
});

describe('pages', () => {
  const page = (ids: string[], nextCursor: string | null) =>
    answer(200, { data: ids.map((id) => ({ id })), page: { nextCursor } });

  test('are asked for when they are needed', async () => {
    const { asked, client } = fakeServer(page(['a', 'b'], 'c=1'), page(['c'], null));
    const rows = client().listOrders.each({ query: { limit: 2 } });
    expect((await rows.next()).value).toEqual({ id: 'a' });
    await rows.next();
    expect(asked).toHaveLength(1);
    expect((await rows.next()).value).toEqual({ id: 'c' });
    expect(await rows.next()).toEqual({ value: undefined, done: true });
    expect(asked.map(({ url }) => url.split('?')[1])).toEqual(['limit=2', 'limit=2&cursor=c%3D1']);
  });

  test('are there one by one, too; what is not set is not asked', async () => {
    const { asked, client } = fakeServer(page(['a'], 'next'));
    const { data, page: turn } = await client().listProducts({ query: { limit: 1 } });
    expect([data.length, turn.nextCursor]).toEqual([1, 'next']);
    await client().listProducts();
    expect(asked[1]?.url).toBe('http://waybill.test/api/v1/products');
  });
});
