// What a controller answers: a status, the data or what makes them, and the few headers that go with it.
import type { Page } from '../domain/page.ts';
import type { Outcome } from '../idempotency/idempotency.ts';

export type Reply = {
  status: 200 | 201 | 202 | 204;
  data?: unknown;
  /** The whole body, sent while it is made. */
  stream?: AsyncIterable<string>;
  page?: { nextCursor: string | null };
  headers: Record<string, string>;
};

type Versioned = { version: number };

export const etagOf = ({ version }: Versioned): string => `"${version}"`;

export const ok = (data: object, headers: Record<string, string> = {}): Reply => ({ status: 200, data, headers });

export const okVersioned = (data: Versioned): Reply => ok(data, { ETag: etagOf(data) });

export const okPage = <Item>({ items, nextCursor }: Page<Item>): Reply => ({
  status: 200,
  data: items,
  page: { nextCursor },
  headers: {},
});

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
