// Somebody retries: the effect happens once, and everybody is told the same.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { gate, startRoomDatabase, type Opened, type RoomDatabase } from '../../../tests/support/room-database.ts';
import type { Transaction } from '../../database/database.ts';
import {
  conflict,
  declined,
  forbidden,
  malformed,
  notFound,
  preconditionFailed,
  unauthenticated,
  unavailable,
  unprocessable,
} from '../../errors/app-error.ts';
import { withRequestContext } from '../../logging/request-context.ts';
import type { IdempotencyKey } from '../idempotency-key.ts';
import { Idempotency } from '../idempotency.ts';

type Process = Opened & { idempotency: Idempotency };

let room: RoomDatabase;
let one: Process;
let other: Process;
let key: IdempotencyKey;

beforeAll(async () => {
  room = await startRoomDatabase();
  await room.sql(
    'CREATE SCHEMA room; CREATE TABLE room.effects (key text, token text, UNIQUE (token) DEFERRABLE INITIALLY DEFERRED); CREATE TABLE room.row AS SELECT 1 AS id; GRANT ALL ON SCHEMA room TO waybill; GRANT ALL ON ALL TABLES IN SCHEMA room TO waybill',
  );
  [one, other] = [startProcess(), startProcess()];
});
afterAll(() => room.close());
beforeEach(() => {
  key = { scope: 'ada POST /orders', key: randomUUID(), fingerprint: 'f' };
});

function startProcess(): Process {
  return { ...room.open({ max: 20 }), idempotency: new Idempotency({ ttlMs: 60_000 }) };
}

const run = <Result>({ idempotency, database }: Process, work: (tx: Transaction) => Promise<Result>, as = key) =>
  idempotency.run(database, as, work);

/** Leaves a trace that a rollback would take away. */
const effect =
  (answer: unknown = { id: 1 }) =>
  async (tx: Transaction) => {
    await tx.query('INSERT INTO room.effects (key) VALUES ($1)', [key.key]);
    return answer;
  };

async function effects(): Promise<number> {
  const [row] = await room.sql<{ count: number }>('SELECT count(*)::int AS count FROM room.effects WHERE key = $1', [
    key.key,
  ]);
  return row?.count ?? 0;
}

const stored = () =>
  room.sql<{ outcome: unknown; resource_id: string | null; leased_until: Date | null }>(
    'SELECT outcome, resource_id, leased_until FROM idempotency.keys WHERE key = $1',
    [key.key],
  );

describe('a retry', () => {
  test('gets the first answer, from this process or from another', async () => {
    const answer = { zebra: 1, apple: { amount: 1299, currency: 'EUR' }, none: null };
    expect(await run(one, effect(answer))).toEqual({ result: answer, replayed: false });
    for (const process of [one, other]) {
      const again = await run(process, effect({ id: 'another' }));
      expect(again).toEqual({ result: answer, replayed: true });
      expect(JSON.stringify(again.result)).toBe(JSON.stringify(answer));
    }
    expect(await effects()).toBe(1);
  });

  test('with another body is refused, now and while the first is under way', async () => {
    const held = gate();
    const first = run(one, async (tx) => held.opened.then(() => effect()(tx)));
    const altered = run(one, effect(), { ...key, fingerprint: 'g' });
    held.open();
    await first;
    await expect(altered).rejects.toMatchObject({ kind: 'unprocessable', code: 'idempotency_key_reused' });
    await expect(run(other, effect(), { ...key, fingerprint: 'g' })).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
    expect(await run(one, effect())).toMatchObject({ replayed: true });
    expect(await effects()).toBe(1);
  });

  test('of somebody else, or for something else, is another request', async () => {
    await run(one, effect());
    for (const scope of ['eve POST /orders', 'ada POST /orders/1/cancellation']) {
      expect(await run(one, effect(), { ...key, scope })).toMatchObject({ replayed: false });
    }
    expect(await effects()).toBe(3);
  });

  test('after the first was lost with its connection does the work', async () => {
    const lost = run(one, async (tx) => {
      await effect()(tx);
      await tx.query('SELECT pg_terminate_backend(pg_backend_pid())');
    });
    await expect(lost).rejects.toMatchObject({ code: 'database_unavailable' });
    expect([await effects(), await stored()]).toEqual([0, []]);
    expect(await run(one, effect())).toMatchObject({ replayed: false });
    expect(await effects()).toBe(1);
  });
});

test('an answer whose COMMIT was refused is not kept: it was never true', async () => {
  const token = randomUUID();
  const twice = async (tx: Transaction) => {
    for (let i = 0; i < 2; i++)
      await tx.query('INSERT INTO room.effects (key, token) VALUES ($1, $2)', [key.key, token]);
    return { id: 1 };
  };
  await expect(run(one, twice)).rejects.toMatchObject({ code: '23505' });
  expect([await effects(), await stored()]).toEqual([0, []]);
});

describe('twins', () => {
  test('in one process wait for the first and get its answer', async () => {
    const held = gate();
    const twins = Array.from({ length: 20 }, () => run(one, async (tx) => held.opened.then(() => effect()(tx))));
    held.open();
    const outcomes = await Promise.all(twins);
    expect(outcomes.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(outcomes.map(({ result }) => JSON.stringify(result))).size).toBe(1);
    expect(await effects()).toBe(1);
  });

  test('in one process share a failure that is not stored, too: the second does not try by itself', async () => {
    const held = gate();
    let runs = 0;
    const fail = async () => {
      runs++;
      await held.opened;
      throw unavailable('prices_in_motion', 'Not now.');
    };
    const twins = [run(one, fail), run(one, fail)].map((twin) =>
      expect(twin).rejects.toMatchObject({ code: 'prices_in_motion' }),
    );
    held.open();
    await Promise.all(twins);
    expect(runs).toBe(1);
  });

  test('in one process hold one connection, not one each', async () => {
    const narrow = { ...room.open({ max: 1 }), idempotency: new Idempotency({ ttlMs: 60_000 }) };
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => run(narrow, effect())));
    expect(outcomes.filter(({ replayed }) => !replayed)).toHaveLength(1);
  });

  test('in two processes: the second is told at once that the first is at work, also while a row is waited for', async () => {
    const letGo = await room.hold('SELECT id FROM room.row FOR UPDATE');
    const first = run(one, async (tx) => {
      await tx.query('SELECT id FROM room.row FOR UPDATE');
      return effect()(tx);
    });
    await room.untilWaiting(1);
    await expect(run(other, effect())).rejects.toMatchObject({
      kind: 'conflict',
      code: 'idempotency_in_progress',
      retryAfterSeconds: 1,
    });
    await letGo();
    expect(await first).toMatchObject({ replayed: false });
    expect(await run(other, effect())).toMatchObject({ replayed: true });
    expect(await effects()).toBe(1);
  });

  test('in many processes, all at once: one effect, and whoever comes later gets its answer', async () => {
    const processes = Array.from({ length: 6 }, startProcess);
    const tries = await Promise.allSettled(
      processes.flatMap((process) => [run(process, effect()), run(process, effect())]),
    );
    const failures = tries
      .filter((one) => one.status === 'rejected')
      .map(({ reason }) => (reason as { code: string }).code);
    expect(new Set([...failures, 'idempotency_in_progress'])).toEqual(new Set(['idempotency_in_progress']));
    for (const process of processes) expect(await run(process, effect())).toMatchObject({ replayed: true });
    expect(await effects()).toBe(1);
  });

  test('share a refusal: the second is told it as a replay of the first', async () => {
    const held = gate();
    const refuse = async () => held.opened.then(() => Promise.reject(conflict('order_status_forbidden', 'Too late.')));
    const first = withRequestContext({ requestId: 'first' }, () => run(one, refuse));
    const second = withRequestContext({ requestId: 'second' }, () => run(one, refuse));
    held.open();
    const [a, b] = await Promise.allSettled([first, second]);
    expect(a).toMatchObject({ reason: { code: 'order_status_forbidden' } });
    expect(b).toMatchObject({ reason: { code: 'order_status_forbidden', requestId: 'first' } });
  });
});

describe('a refusal', () => {
  const faults = [
    { pointer: '/lines/0/quantity', code: 'insufficient_stock', message: 'Less is available.', available: 2 },
  ];
  const refuse = () =>
    unprocessable('insufficient_stock', 'Less is available than was ordered.', {
      faults,
      facts: { total: { amount: 1, currency: 'EUR' } },
    });

  test('is told again word for word, with the id of the first request, and its effect never happened', async () => {
    const work = async (tx: Transaction) => {
      await effect()(tx);
      throw refuse();
    };
    const first = withRequestContext({ requestId: 'first' }, () => run(one, work));
    await expect(first).rejects.toSatisfy((error: object) => !('requestId' in error));
    const told = {
      kind: 'unprocessable',
      code: 'insufficient_stock',
      message: 'Less is available than was ordered.',
      faults,
      facts: { total: { amount: 1, currency: 'EUR' } },
      requestId: 'first',
    };
    for (const process of [one, other]) {
      await expect(withRequestContext({ requestId: 'second' }, () => run(process, effect()))).rejects.toMatchObject(
        told,
      );
    }
    expect(await effects()).toBe(0);
  });

  test.each([
    declined('payment_declined', 'No.'),
    conflict('price_changed', 'No.'),
    unprocessable('unknown_sku', 'No.'),
  ])('$kind would meet a retry again: stored', async (refusal) => {
    await expect(run(one, () => Promise.reject(refusal))).rejects.toBe(refusal);
    await expect(run(one, effect())).rejects.toMatchObject({ kind: refusal.kind, code: refusal.code });
    expect(await effects()).toBe(0);
  });

  const passing = [
    malformed('validation_failed', 'No.'),
    unauthenticated('token_invalid', 'No.'),
    forbidden('permission_denied', 'No.'),
    notFound('order_not_found', 'No.'),
    preconditionFailed('version_stale', 'No.'),
    unavailable('prices_in_motion', 'No.'),
    conflict('idempotency_in_progress', 'No.'),
    unprocessable('idempotency_key_reused', 'No.'),
    new Error('a defect'),
  ];
  test.each(passing)('$kind $code $message may pass: not stored', async (refusal) => {
    await expect(run(one, () => Promise.reject(refusal))).rejects.toBe(refusal);
    expect(await stored()).toEqual([]);
    expect(await run(one, effect())).toMatchObject({ replayed: false });
  });

  test('loses against an answer that another process was faster to store', async () => {
    const late = run(one, async () => {
      throw refuse();
    });
    // Between the rollback of the refused work and the storing of the refusal the key is free.
    const outcome = await other.idempotency
      .orRememberRefusal(other.database, key, async () => {
        await late.catch(() => undefined);
        throw conflict('price_changed', 'No.');
      })
      .catch((error: unknown) => error);
    expect(outcome).toMatchObject({ code: 'insufficient_stock' });
  });
});

describe('work outside the database', () => {
  const resource = randomUUID();
  const claim = ({ idempotency, database }: Process) => database.transaction((tx) => idempotency.claim(tx, key));
  const lease = ({ idempotency, database }: Process, leaseMs = 60_000) =>
    database.transaction((tx) => idempotency.lease(tx, key, resource, leaseMs));

  test('is leased: others are told to wait, until the lease runs out; then they go on with the same resource', async () => {
    expect(await claim(one)).toMatchObject({ state: 'new', resource_id: null });
    await lease(one);
    expect(await claim(other)).toMatchObject({ state: 'in_progress' });
    await expect(run(other, effect())).rejects.toMatchObject({ code: 'idempotency_in_progress' });
    await room.sql(`UPDATE idempotency.keys SET leased_until = now() - interval '1 ms' WHERE key = $1`, [key.key]);
    expect(await claim(other)).toMatchObject({ state: 'resume', resource_id: resource });
  });

  test('ends with an answer, which ends the lease', async () => {
    await lease(one);
    await one.database.transaction((tx) => one.idempotency.remember(tx, key, { result: { id: 1 } }));
    expect(await claim(other)).toMatchObject({ state: 'replay', outcome: { result: { id: 1 } } });
    expect(await stored()).toMatchObject([{ leased_until: null, resource_id: resource }]);
  });

  test('with another body is refused while it is leased', async () => {
    await lease(one);
    expect(
      await other.database.transaction((tx) => other.idempotency.claim(tx, { ...key, fingerprint: 'g' })),
    ).toMatchObject({ state: 'reused' });
  });
});

describe('time passes', () => {
  const expire = (keys: string[]) =>
    room.sql(`UPDATE idempotency.keys SET expires_at = now() - interval '1 ms' WHERE key = ANY($1)`, [keys]);

  test('an expired key is as good as new, also with another body', async () => {
    await run(one, effect({ id: 1 }));
    await expire([key.key]);
    expect(await run(one, effect({ id: 2 }), { ...key, fingerprint: 'g' })).toEqual({
      result: { id: 2 },
      replayed: false,
    });
    expect(await run(other, effect(), { ...key, fingerprint: 'g' })).toEqual({ result: { id: 2 }, replayed: true });
  });

  test('a key is kept for its time, and purged after it; others stay', async () => {
    const kept = { ...key, key: randomUUID() };
    await run(one, effect());
    await run(one, effect(), kept);
    await expire([key.key]);
    expect(await one.idempotency.purge(one.database)).toBe(1);
    expect(await stored()).toEqual([]);
    expect(await run(one, effect(), kept)).toMatchObject({ replayed: true });
  });

  test('a key that is claimed anew while it is purged stays', async () => {
    await run(one, effect());
    await expire([key.key]);
    const letGo = await room.hold(
      `UPDATE idempotency.keys SET expires_at = now() + interval '1 hour' WHERE key = '${key.key}'`,
    );
    const purged = one.idempotency.purge(one.database);
    await room.untilWaiting(1);
    await letGo();
    expect([await purged, (await stored()).length]).toEqual([0, 1]);
  });

  test('a thousand are purged at a time', async () => {
    await room.sql(
      `INSERT INTO idempotency.keys (scope, key, fingerprint, outcome, expires_at) SELECT 'many', i::text, 'f', '{}', now() - interval '1 s' FROM generate_series(1, 1200) i`,
    );
    expect([
      await one.idempotency.purge(one.database),
      await one.idempotency.purge(one.database),
      await one.idempotency.purge(one.database),
    ]).toEqual([1000, 200, 0]);
  });
});
