// Searching the catalogue: whole words of title, description, variants and SKUs; and nothing that is typed can break it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { connect, euros, ifMatch, newSku, type ProductAnswer } from './support.ts';

let app: TestApp;
let seller: Person;

beforeAll(async () => {
  app = await startTestApp();
  seller = await app.signIn({ role: 'catalog' });
});
afterAll(() => app.close());

const path = '/api/v1/products';
const variant = (more: object = {}) => ({ sku: newSku(), price: euros(1299), ...more });

async function sell(product: object): Promise<ProductAnswer> {
  const { body } = await app.api
    .post(path)
    .set(seller.auth)
    .send({ variants: [variant()], ...product })
    .expect(201);
  return body.data as ProductAnswer;
}

async function found(q: string, auth: Record<string, string> = {}): Promise<string[]> {
  const { body } = await app.api
    .get(`${path}?limit=100&q=${encodeURIComponent(q)}`)
    .set(auth)
    .expect(200);
  return (body.data as ProductAnswer[]).map(({ title }) => title);
}

const change = (id: string, version: number, body: object) =>
  app.api.patch(`${path}/${id}`).set(seller.auth).set(ifMatch(version)).send(body).expect(200);

describe('a product is found', () => {
  beforeAll(async () => {
    await sell({
      title: 'Enamel mug',
      description: 'For the Große Fahrt: keeps tea warm.',
      variants: [variant({ sku: 'EM-BLUE.v2', title: 'ocean blue' }), variant({ sku: 'EM-12', title: 'SÄGEGRÜN' })],
    });
    await sell({ title: 'Glass mug', description: 'Breaks.' });
  });

  it.each([
    ['a word of its title', 'enamel'],
    ['another case', 'ENAMEL'],
    ['a word of its description', 'fahrt'],
    ['letters beyond ASCII, in another case', 'GROẞE sägegrün'.replace('ẞ', 'ß')],
    ['a word of a variant', 'ocean'],
    ['words from several places', 'mug blue tea'],
    ['a whole SKU', 'EM-BLUE.v2'],
    ['a SKU in lower case', 'em-blue.V2'],
    ['a part of a SKU', 'v2'],
    ['a number in a SKU', '12'],
    ['words in a row', '"keeps tea"'],
    ['one of two', 'enamel or porcelain'],
    ['a word, and not another', 'mug -glass'],
  ])('by %s: %s', async (_name, q) => expect(await found(q)).toEqual(['Enamel mug']));

  it.each([
    ['a word that is not there', 'mug porcelain'],
    ['a part of a word', 'enam'],
    ['words in another order', '"tea keeps"'],
    ['a word that is excluded', 'mug -enamel -glass'],
    ['nothing that is a word', '!?! …'],
  ])('but not by %s: %s', async (_name, q) => expect(await found(q)).toEqual([]));

  it('together with others, newest first', async () => expect(await found('mug')).toEqual(['Glass mug', 'Enamel mug']));
});

describe('what is found follows what is sold', () => {
  it('when title, description or a variant changes, and when a variant is added', async () => {
    const sku = newSku();
    const { id } = await sell({
      title: 'Lantern',
      description: 'Brass.',
      variants: [variant({ sku, title: 'small' })],
    });
    await change(id, 1, { title: 'Torch', description: 'Copper.' });
    expect([await found('lantern'), await found('brass'), await found('torch copper small')]).toEqual([
      [],
      [],
      ['Torch'],
    ]);
    await change(id, 2, { variants: [variant({ sku, title: 'huge' }), variant({ sku: 'TORCH-NEW' })] });
    expect([await found('torch small'), await found('torch huge new')]).toEqual([[], ['Torch']]);
    await change(id, 3, { description: null });
    expect([await found('copper'), await found('torch huge')]).toEqual([[], ['Torch']]);
  });

  it('also when a variant is taken away by hand', async () => {
    const [kept, gone] = [newSku(), newSku()];
    await sell({ title: 'Hat', variants: [variant({ sku: kept }), variant({ sku: gone, title: 'feathered' })] });
    expect(await found('feathered')).toEqual(['Hat']);
    await app.sql('DELETE FROM catalog.variants WHERE sku = $1', [gone]);
    expect([await found('feathered'), await found('hat')]).toEqual([[], ['Hat']]);
  });

  it('drafts and archived ones are found by staff only', async () => {
    await sell({ title: 'Secret teapot', status: 'draft' });
    const { id } = await sell({ title: 'Old teapot' });
    await app.api.delete(`${path}/${id}`).set(seller.auth).set(ifMatch(1)).expect(204);
    expect(await found('teapot')).toEqual([]);
    expect(await found('teapot', seller.auth)).toEqual(['Old teapot', 'Secret teapot']);
  });
});

it('a walk through what is found sees each once, while others are added', async () => {
  const made: string[] = [];
  for (let i = 0; i < 5; i++) made.unshift((await sell({ title: `Walking stick ${i}` })).id);
  const seen: string[] = [];
  let next: string | null = `${path}?limit=2&q=walking+stick`;
  while (next !== null) {
    const { body, headers }: { body: { data: ProductAnswer[] }; headers: Record<string, string> } = await app.api
      .get(next)
      .expect(200);
    seen.push(...body.data.map(({ id }) => id));
    await sell({ title: 'Walking stick, late' });
    next = /^<(.*)>/.exec(headers['link'] ?? '')?.[1] ?? null;
  }
  expect(seen).toEqual(made);
});

/** Whatever a person, a scanner or an attacker types. */
const nasty = [
  "'",
  '"',
  '"""',
  '\\',
  "\\'",
  '%',
  '%s%n',
  '_',
  '*',
  ':*',
  'a:*',
  'a:ABCD',
  '&',
  '|',
  '!',
  '!!a',
  '<->',
  'a <-> b',
  'a <9999999> b',
  '((((',
  '))))',
  '- - -',
  '-',
  '--',
  '---- -a -b',
  'or',
  'or or or',
  'a or',
  '"a or" or "',
  "'; DROP TABLE catalog.products; --",
  '$1',
  '$$',
  '{{7*7}}',
  '<script>',
  'http://evil.example/a?b=c#d',
  'a@b.example',
  '/etc/passwd',
  '..\\..',
  '1e21',
  '-0',
  '9'.repeat(200),
  'x'.repeat(200),
  '-'.repeat(200),
  '"'.repeat(199),
  'a '.repeat(100).trim(),
  'a-'.repeat(100),
  '-a '.repeat(66).trim(),
  'a or '.repeat(40).trim(),
  '\u2028\u2029x',
  '\u202eabc',
  'a\u0301\u0301',
  '😀',
  '😀-😀',
  '한국어 日本語',
  '\ufffd',
  '\t\nx\r',
  'İstanbul ﬀ ẞ',
];

it.each(nasty)('%j is searched for, and nothing breaks', async (q) => {
  const { status } = await app.api.get(`${path}?q=${encodeURIComponent(q)}`);
  expect(status).toBe(200);
});

it('a description of one endless word is stored, and the rest of it is found', async () => {
  await sell({ title: 'Endless ribbon', description: `${'ä'.repeat(4990)} silk` });
  expect(await found('ribbon silk')).toEqual(['Endless ribbon']);
});

it('a common search uses the index of words', async () => {
  await using catalog = await connect(app, 'catalog');
  await catalog.query(`SET enable_seqscan = off; SET enable_indexscan = off; SET plan_cache_mode = force_generic_plan`);
  const { rows } = await catalog.query<{ 'QUERY PLAN': string }>(
    `EXPLAIN SELECT id FROM catalog.products p WHERE p.search @@ websearch_to_tsquery('simple', catalog.words_of('mug'))`,
  );
  expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('products_search');
});
