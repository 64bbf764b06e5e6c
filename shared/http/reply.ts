// What a controller answers: a status, the data or what makes them, and the few headers that go with it.
import type { Page } from '../domain/page.ts';
import type { Outcome } from '../idempotency/idempotency.ts';

export type Reply = {
  status: 200 | 201 | 202 | 204;
  data?: unknown;
  /** The whole body, sent while it is made. */
  stream?: AsyncIterable<string>;
  page?: { nextCursor: string | null };
  /** The whole body, when it was made before. */
  ready?: Ready;
  headers: Record<string, string>;
};

export type Ready = { text: string; bytes: number };
type Versioned = { version: number };

export const etagOf = ({ version }: Versioned): string => `"${version}"`;

export const ok = (data: object, headers: Record<string, string> = {}): Reply => ({ status: 200, data, headers });

export const okVersioned = (data: Versioned): Reply => ok(data, { ETag: etagOf(data) });

/** For what is remembered: its text is made once, and forgotten with it. Nobody may change it. */
export const okReady = (data: Readonly<Versioned>): Reply => ({
  ...okVersioned(data),
  ready: readyOf(`{"data":${textOf(data)}}`),
});

const texts = new WeakMap<object, string>();

function textOf(data: object): string {
  const known = texts.get(data);
  if (known !== undefined) return known;
  const text = JSON.stringify(data);
  texts.set(data, text);
  return text;
}

const readyOf = (text: string): Ready => ({ text, bytes: Buffer.byteLength(text) });

export const toReady = (body: object): Ready => readyOf(JSON.stringify(body));

export const okPage = <Item>({ items, nextCursor }: Page<Item>): Reply => ({
  status: 200,
  data: items,
  page: { nextCursor },
  headers: {},
});

/** A page of what is remembered: as `okReady`. */
export const okReadyPage = (page: Page<object>): Reply => {
  const reply = okPage(page);
  const items = page.items.map(textOf).join(',');
  return { ...reply, ready: readyOf(`{"data":[${items}],"page":${JSON.stringify(reply.page)}}`) };
};

/** `path` is below the API's base path, e.g. `/orders/…`. */
export const created = (data: object, path: string, headers: Record<string, string> = {}): Reply => ({
  status: 201,
  data,
  headers: {
    Location: `${API_BASE_PATH}${path}`,
    ...('version' in data && { ETag: etagOf(data as Versioned) }),
    ...headers,
  },
});

/** JSON, unless the headers say otherwise. */
export const okStream = (stream: AsyncIterable<string>, headers: Record<string, string> = {}): Reply => ({
  status: 200,
  stream,
  headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
});

/** Not done yet: what follows is not this answer's to tell. */
export const accepted = (data: object): Reply => ({ status: 202, data, headers: {} });

export const noContent = (): Reply => ({ status: 204, headers: {} });

/** Marks the answer of a retry. */
export const replaying = (reply: Reply, { replayed }: Outcome<unknown>): Reply =>
  replayed ? { ...reply, headers: { ...reply.headers, 'Idempotency-Replayed': 'true' } } : reply;

export const API_BASE_PATH = '/api/v1';
