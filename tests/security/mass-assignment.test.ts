// Somebody writes what is not theirs to write: every field of every answer and every column of the database, at every place of every body.
import { afterAll, describe, expect, test } from 'vitest';
import { startTestApp } from '../support/app.ts';
import { complete, fieldsOf, objectsOf } from '../support/bad-values.ts';
import {
  callerOf,
  operationsOf,
  requestFor,
  send,
  worldOf,
  type Operation,
  type Schema,
} from '../support/operations.ts';
import { snapshotOf } from '../support/snapshot.ts';

const app = await startTestApp();
afterAll(() => app.close());
const operations = operationsOf(app.document);
const owner = await app.signIn();
const admin = await app.signIn({ role: 'admin' });
const world = worldOf(app, owner);
const hidden = await hiddenNames();

const writes = operations.filter(({ body, isRaw }) => body !== null && !isRaw);

test('fields of answers and columns are found', () => {
  expect(hidden).toEqual(
    expect.arrayContaining(['passwordHash', 'password_hash', 'role', 'customerId', 'version', 'total']),
  );
  expect(hidden.length).toBeGreaterThan(100);
  expect(writes.length).toBeGreaterThanOrEqual(10);
});

describe.each(writes)('API3:2023 and ASVS 15.3.3, $id', (operation) => {
  test.each(objectsOf(operation.body ?? {}))(
    'at "%s" no field is taken that is not documented there',
    async (place) => {
      const caller = callerOf(operation, { customer: owner, admin });
      const request = await requestFor(app, operation, world, caller);
      const before = await snapshotOf(app);
      for (const names of inBatches(hidden.filter((name) => !namesAt(operation, place).includes(name)))) {
        const body = withFields(complete(operation.body ?? {}, request.body), place, names);
        const { status, body: problem } = await send(app, { ...request, body }, caller);
        const refused = ((problem.errors ?? []) as { pointer: string; code: string }[]).map(({ pointer }) => pointer);
        expect({ status, missed: names.filter((name) => !refused.includes(`${place}/${name}`)) }).toEqual({
          status: 400,
          missed: [],
        });
      }
      expect(await snapshotOf(app)).toEqual(before);
    },
  );
});

/** What people plant when they guess; then all that goes out, and all that is stored. */
async function hiddenNames(): Promise<string[]> {
  const guessed = [
    'isAdmin',
    'admin',
    'roles',
    'permissions',
    'scope',
    'scopes',
    'isActive',
    'verified',
    'price',
    'owner',
  ];
  const columns = await app.sql<{ name: string }>(
    `SELECT DISTINCT column_name AS name FROM information_schema.columns
     WHERE table_schema NOT IN ('pg_catalog', 'information_schema', 'migrations', 'graphile_worker')`,
  );
  const stored = columns.flatMap(({ name }) => [
    name,
    name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
  ]);
  return [...new Set([...guessed, ...namesIn(app.document), ...stored])];
}

/** Of every `properties` in the document, wherever it stands. */
function namesIn(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return [];
  return Object.entries(part).flatMap(([key, value]) => [
    ...(key === 'properties' ? Object.keys(value as object) : []),
    ...namesIn(value),
  ]);
}

const namesAt = ({ body }: Operation, place: string): string[] =>
  fieldsOf(body as Schema)
    .filter(({ parent }) => parent === place)
    .map(({ name }) => name);

/** At most 50 faults are told in one answer. */
const BATCH = 40;

const inBatches = (names: string[]): string[][] =>
  Array.from({ length: Math.ceil(names.length / BATCH) }, (_, i) => names.slice(i * BATCH, (i + 1) * BATCH));

function withFields(body: unknown, pointer: string, names: string[]): unknown {
  const copy = structuredClone(body ?? {}) as Record<string, unknown>;
  let place = copy;
  for (const step of pointer.split('/').slice(1)) place = place[step] as Record<string, unknown>;
  for (const name of names) place[name] = valueFor(name);
  return copy;
}

const valueFor = (name: string): unknown => (name === 'role' ? 'admin' : name === 'version' ? 1 : true);
