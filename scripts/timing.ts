// Asks whether the time of an answer tells who has an account: 300 interleaved tries each, medians within 10 %: npm run timing
import { randomUUID } from 'node:crypto';
import { mkdtemp, chmod, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { startServerProcess } from '../tests/support/server-process.ts';

const { values } = parseArgs({ options: { tries: { type: 'string', default: '300' } } });
const TRIES = Number(values.tries);
const DIFFERENCE_MAX = 0.1;
const WARM_UP = 20;

type Question = { name: string; path: string; known: () => object; unknown: () => object };

const dataDir = await mkdtemp(join(tmpdir(), 'waybill-timing-'));
await chmod(dataDir, 0o755);
const server = await startServerProcess({ DATA_DIR: dataDir });
try {
  const known = { email: 'known@example.com', password: 'Correct-horse-7-staple' };
  await ask('/users', { ...known, name: 'Known' });
  const results = [];
  for (const question of questionsAbout(known.email)) results.push(await compare(question));
  process.exitCode = results.every(Boolean) ? 0 : 1;
} finally {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
}

function questionsAbout(email: string): Question[] {
  const stranger = () => `${randomUUID()}@example.com`;
  const password = 'Wrong-horse-7-staple';
  return [
    {
      name: 'log in',
      path: '/auth/login',
      known: () => ({ email, password }),
      unknown: () => ({ email: stranger(), password }),
    },
    {
      name: 'forget a password',
      path: '/auth/forgot-password',
      known: () => ({ email }),
      unknown: () => ({ email: stranger() }),
    },
  ];
}

/** In turn, so that whatever slows the machine slows both. */
async function compare({ name, path, known, unknown }: Question): Promise<boolean> {
  const timesMs: { known: number[]; unknown: number[] } = { known: [], unknown: [] };
  for (let i = -WARM_UP; i < TRIES; i++) {
    const [one, two] = [await ask(path, known()), await ask(path, unknown())];
    if (one.status !== two.status) throw new Error(`${name}: ${one.status} is not ${two.status}`);
    if (one.status >= 404) throw new Error(`${name}: ${one.status}`);
    if (i < 0) continue;
    timesMs.known.push(one.ms);
    timesMs.unknown.push(two.ms);
  }
  return judge(name, median(timesMs.known), median(timesMs.unknown));
}

function judge(name: string, knownMs: number, unknownMs: number): boolean {
  const difference = Math.abs(knownMs - unknownMs) / Math.max(knownMs, unknownMs);
  const isSame = difference <= DIFFERENCE_MAX;
  const percent = (difference * 100).toFixed(1);
  process.stdout.write(
    `${isSame ? 'PASS' : 'FAIL'} ${name}: known ${knownMs.toFixed(2)} ms, unknown ${unknownMs.toFixed(2)} ms, ${percent} % apart\n`,
  );
  return isSame;
}

async function ask(path: string, body: object): Promise<{ status: number; ms: number }> {
  const begin = performance.now();
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return { status: response.status, ms: performance.now() - begin };
}

// A declaration: the work above is done before a const here would be there.
function median(values: number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0;
}
