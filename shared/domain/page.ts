// A page of a list: keyset cursors that are opaque outside, and stay right while others insert.
import { malformed } from '../errors/app-error.ts';

export type Page<Item> = { items: Item[]; nextCursor: string | null };

/** The cursor that continues after a row with these sort-key values. */
export const encodeCursor = (keys: string[]): string => Buffer.from(JSON.stringify(keys)).toString('base64url');

/** @throws malformed `cursor_invalid` unless it is ours: `keys` strings, one per sort key, each accepted by its check. */
export function decodeCursor(cursor: string, checks: ((key: string) => boolean)[]): string[] {
  const keys = parseJson(Buffer.from(cursor, 'base64url').toString());
  const isOurs =
    Array.isArray(keys) &&
    keys.length === checks.length &&
    keys.every((key, i) => typeof key === 'string' && checks[i]?.(key) === true);
  if (!isOurs) throw invalidCursor();
  return keys as string[];
}

/** Cuts rows fetched with `limit + 1` down to a page. */
export function toPage<Item>(rows: Item[], limit: number, sortKeys: (row: Item) => string[]): Page<Item> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const nextCursor = rows.length > limit && last !== undefined ? encodeCursor(sortKeys(last)) : null;
  return { items, nextCursor };
}

/** A whole list, read page by page as it is asked for. `readPage` gives what follows the last one of the page before, `limit` of them at most. */
export async function* everyOne<Item>(
  readPage: (last: Item | null) => Promise<Item[]>,
  limit: number,
): AsyncGenerator<Item> {
  let items: Item[] = [];
  do {
    items = await readPage(items.at(-1) ?? null);
    yield* items;
  } while (items.length === limit);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const invalidCursor = () =>
  malformed('cursor_invalid', 'The cursor is not one that this list gave out.', {
    faults: [{ pointer: '/query/cursor', code: 'cursor_invalid', message: 'Leave it out to start at the first page.' }],
  });
