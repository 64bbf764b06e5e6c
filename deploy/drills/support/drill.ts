// The frame of every drill: what it needs, what it counts, how it ends: PASS, FAIL or SKIP (reason).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { loggedErrors } from './logs.ts';

/** What automake's tests say, too. */
export const SKIPPED_EXIT_CODE = 77;

type About = {
  name: string;
  /** Program → the Debian package that brings it. */
  needs?: Record<string, string>;
  /** Faults that can be planted with `--break <fault>`: each must end in FAIL. */
  breaks?: string[];
  /** What else may be typed after the flags, for drills of several parts. */
  parts?: string[];
};

export type Drill = {
  isShort: boolean;
  /** The planted fault. */
  broken: string | null;
  /** The chosen parts; all when none is named. */
  parts: string[];
  /** A folder of its own that an ordinary account may enter; gone afterwards. */
  folder: string;
  say: (line: string) => void;
  /** One thing that must hold; `seen` is told either way. */
  check: (what: string, holds: boolean, seen?: unknown) => void;
  /** Run in reverse, whatever happens. */
  onEnd: (undo: () => Promise<unknown> | void) => void;
};

export class Skip extends Error {}

/** Runs one drill and ends the process: 0 PASS, 1 FAIL, 77 SKIP (1 where CI_DRILLS=required: there everything can be had). */
export async function drill(about: About, story: (drill: Drill) => Promise<void>): Promise<never> {
  const begin = Date.now();
  const { values, positionals } = read(about);
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const undos: (() => Promise<unknown> | void)[] = [];
  let passed = 0;
  let failed = 0;
  const undoAll = async () => {
    for (const undo of undos.splice(0).toReversed())
      await Promise.resolve(undo()).catch((error: unknown) => say(`left behind: ${String(error)}`));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void undoAll().finally(() => process.exit(1)));
  const check: Drill['check'] = (what, holds, seen) => {
    if (holds) passed++;
    else failed++;
    say(`${holds ? 'ok    ' : 'FAILED'}  ${what}${seen === undefined ? '' : `: ${shown(seen)}`}`);
  };
  try {
    requirePrograms(about.needs ?? {});
    const folder = await mkdtemp(join(tmpdir(), `waybill-drill-${about.name}-`));
    undos.push(() => rm(folder, { recursive: true, force: true }));
    await chmod(folder, 0o755);
    await story({
      isShort: values.short,
      broken: values.break ?? null,
      parts: positionals.length > 0 ? positionals : (about.parts ?? []),
      folder,
      say,
      check,
      onEnd: (undo) => void undos.push(undo),
    });
  } catch (error) {
    if (error instanceof Skip && process.env['CI_DRILLS'] !== 'required') {
      await undoAll();
      say(`SKIP (${error.message})`);
      process.exit(SKIPPED_EXIT_CODE);
    }
    check(error instanceof Error ? (error.stack ?? error.message) : String(error), false);
  }
  if (failed > 0) for (const line of loggedErrors()) say(line);
  await undoAll();
  const isGood = failed === 0 && passed > 0;
  say(`${isGood ? 'PASS' : 'FAIL'} ${about.name}: ${passed} held, ${failed} did not, ${seconds(begin)} s`);
  process.exit(isGood ? 0 : 1);
}

function read({ name, breaks = [], parts = [] }: About) {
  const options = { short: { type: 'boolean', default: false }, break: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const unknown = positionals.find((part) => !parts.includes(part));
  if (unknown === undefined && (values.break === undefined || breaks.includes(values.break)))
    return { values, positionals };
  process.stderr.write(
    `npm run drill:${name} -- ${parts.length > 0 ? `[${parts.join('|')}] ` : ''}[--short]${breaks.length > 0 ? ` [--break ${breaks.join('|')}]` : ''}\n`,
  );
  return process.exit(2);
}

function requirePrograms(needs: Record<string, string>): void {
  const missing = Object.entries(needs).filter(([program]) => pathOf(program) === null);
  if (missing.length > 0)
    throw new Skip(
      `missing ${missing.map(([program]) => program).join(', ')}: apt-get install ${missing.map(([, one]) => one).join(' ')}`,
    );
}

/** Where a program is; Debian keeps servers in sbin, which is not in everybody's PATH. */
export function pathOf(program: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, program)).find(existsSync) ?? null;
}

/** Runs to the end. @returns its status and all it said */
export function run(program: string, args: string[], options: Parameters<typeof spawnSync>[2] = {}) {
  const { status, stdout, stderr, error } = spawnSync(pathOf(program) ?? program, args, {
    ...options,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  return { status, output: `${stdout}${stderr}`.trim() };
}

const seconds = (begin: number): number => Math.round((Date.now() - begin) / 1000);

const shown = (seen: unknown): string => (typeof seen === 'string' ? seen : JSON.stringify(seen));
