// Every operation of the document, at random: valid requests are carried out or refused for a documented reason, spoiled ones do no harm.
import fc from 'fast-check';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { afterAll, describe, expect, test } from 'vitest';
import { createAnswerCheck } from '../support/api.ts';
import { startTestApp, type Person } from '../support/app.ts';
import {
  callerOf,
  operationsOf,
  requestFor,
  worldOf,
  type Operation,
  type Request,
  type World,
} from '../support/operations.ts';
import { startServerProcess } from '../support/server-process.ts';
import { bytesOf, spoilings, validVariations, type Variation } from './requests.ts';

/** `npm run fuzz` asks for more of them, and for servers in processes of their own, which are asked in turn. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 10);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const PROCESSES = Number(process.env['FUZZ_PROCESSES'] ?? 0);

const app = await startTestApp();
const servers = await Promise.all(
  Array.from({ length: PROCESSES }, () =>
    startServerProcess({ DATABASE_URL: app.databaseUrlFor('waybill'), ROLE: 'web' }),
  ),
);
const urls = PROCESSES === 0 ? [new URL(app.url)] : servers.map(({ url }) => new URL(url));
let sent = 0;
const agent = new Agent({ keepAlive: true });
const operations = operationsOf(app.document);
const check = createAnswerCheck(app.document as never);
const admin = await app.signIn({ role: 'admin' });
afterAll(async () => {
  agent.destroy();
  await Promise.all(servers.map((server) => server.stop()));
  await app.close();
});

type Scene = { caller: Person | null; world: World };
type Answer = { status: number; type: string; requestId: string; body: unknown };
type Problem = { code?: string; requestId?: string; errors?: { pointer: string; code: string }[] };

describe.each(operations)('$id', (operation) => {
  test(`${RUNS} valid requests, seed ${SEED}: some are carried out, none is called malformed`, async () => {
    const statuses: number[] = [];
    const complaints: string[] = [];
    let scene = await newScene(operation);
    for (const [run, vary] of draw(validVariations(operation)).entries()) {
      const good = await requestFor(app, operation, scene.world, scene.caller);
      // The example itself comes first: an operation that refuses its own example is no use.
      const request = run === 0 ? good : vary(good);
      const answer = await send(request, scene.caller);
      statuses.push(answer.status);
      complaints.push(...complaintsOf(operation, request, answer, isUnexpected).map((one) => `run ${run}: ${one}`));
      if (mayHaveEnded(operation, answer)) scene = await newScene(operation);
    }
    expect(complaints).toEqual([]);
    expect(statuses.some((status) => status >= 200 && status < 300)).toBe(true);
  });

  test(`${RUNS} spoiled requests, seed ${SEED}: all are answered as documented`, async () => {
    const complaints: string[] = [];
    let scene = await newScene(operation);
    let good = await requestFor(app, operation, scene.world, scene.caller);
    for (const [run, spoil] of draw(spoilings(operation)).entries()) {
      const request = spoil(good);
      const answer = await send(request, scene.caller);
      complaints.push(...complaintsOf(operation, request, answer, () => false).map((one) => `run ${run}: ${one}`));
      if (!mayHaveEnded(operation, answer)) continue;
      scene = await newScene(operation);
      good = await requestFor(app, operation, scene.world, scene.caller);
    }
    expect(complaints).toEqual([]);
    expect('x' in {}).toBe(false);
  });
});

test('no server told of a defect', () => {
  const lines = servers.flatMap(({ log }) => log);
  expect(lines.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
});

const draw = (variations: fc.Arbitrary<Variation>): Variation[] => fc.sample(variations, { seed: SEED, numRuns: RUNS });

/** Somebody new, with things of their own. */
async function newScene(operation: Operation): Promise<Scene> {
  const customer = await app.signIn();
  return { caller: callerOf(operation, { customer, admin }), world: worldOf(app, customer) };
}

/** A login or an account ends with some operations. */
const mayHaveEnded = ({ permissions, isPublic }: Operation, { status }: Answer): boolean =>
  isPublic || status === 401 || (permissions.includes('account:own') && status < 300);

async function send({ method, path, query, headers, body }: Request, caller: Person | null): Promise<Answer> {
  const bytes = Buffer.isBuffer(body) ? body : bytesOf(body);
  const url = urls[sent++ % urls.length];
  const outgoing = httpRequest({
    agent,
    host: url?.hostname,
    port: url?.port,
    method: method.toUpperCase(),
    // As it is: `URL` would tidy it up.
    path: `${path}${query}`,
    headers: {
      ...(bytes !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(bytes) }),
      ...caller?.auth,
      ...headers,
    },
  });
  outgoing.end(bytes);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return answerOf(response, Buffer.concat(chunks).toString());
}

function answerOf({ statusCode = 0, headers }: IncomingMessage, text: string): Answer {
  const type = headers['content-type']?.split(';', 1)[0] ?? '';
  const body: unknown = type.endsWith('json') ? JSON.parse(text) : text;
  return { status: statusCode, type, requestId: String(headers['x-request-id']), body };
}

function complaintsOf(
  operation: Operation,
  request: Request,
  answer: Answer,
  isWrong: (operation: Operation, request: Request, answer: Answer) => boolean,
): string[] {
  const faults = [
    faultOf(() => check(operation.method, `${API}${operation.path}`, answer)),
    answer.status >= 500 ? 'is a failure of the server' : null,
    answer.status >= 400 && (answer.body as Problem).requestId === undefined ? 'names no request' : null,
    isWrong(operation, request, answer) ? 'refuses a valid request' : null,
  ].filter((fault) => fault !== null);
  return faults.map(
    (fault) => `${fault}: ${shown(request)} → ${answer.status} ${JSON.stringify(answer.body).slice(0, 400)}`,
  );
}

const API = '/api/v1';

function faultOf(look: () => void): string | null {
  try {
    look();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 300) : String(error);
  }
}

const shown = ({ method, path, query, headers, body }: Request): string =>
  `${method} ${path}${query} ${JSON.stringify(headers)} ${String(Buffer.isBuffer(body) ? body.toString('latin1') : bytesOf(body)).slice(0, 600)}`;

/** What no schema can say, because two fields, or time, decide it. */
const RULES_BEYOND_SCHEMA = new Set(['password_weak']);
const FORMAL = new Set([
  'validation_failed',
  'path_invalid',
  'malformed_json',
  'unsupported_media_type',
  'token_invalid',
  'token_expired',
  'idempotency_key_invalid',
  'idempotency_key_required',
  'if_match_invalid',
  'if_match_required',
]);
const BODY_BYTES_MAX = 16_384;

function isUnexpected(_operation: Operation, { body }: Request, answer: Answer): boolean {
  const { code = '', errors = [] } = (answer.status >= 400 ? answer.body : {}) as Problem;
  if (answer.status === 413) return Buffer.byteLength(bytesOf(body) ?? '') <= BODY_BYTES_MAX;
  if (code === 'validation_failed') return !errors.every((fault) => RULES_BEYOND_SCHEMA.has(fault.code));
  return FORMAL.has(code);
}
