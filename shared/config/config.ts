// Turns the environment into one frozen Config, or into one error that names every fault.
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { about, configSchema, missingPartners, STAGES, variableGroups } from './config.schema.ts';
import { nearestName } from './misspelling.ts';

/** EX_CONFIG of sysexits.h: tells a supervisor "mend the configuration", not "start me again". */
export const CONFIG_EXIT_CODE = 78;

type Values = z.output<ReturnType<typeof configSchema>>;

/** Every variable under its camelCase name: DATABASE_POOL_MAX is `databasePoolMax`. Absent optional ones are null. */
export type Config = { readonly [Name in keyof Values as CamelCase<Name>]: Values[Name] };

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<Name>;

export type Fault = { variable: string; problem: string };

/** One line a fault. No value is ever repeated: a secret may sit in the wrong variable. */
export class ConfigError extends Error {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    const lines = faults.map(({ variable, problem }) => `  ${variable}: ${problem}`);
    super(['The configuration is refused:', ...lines].join('\n'));
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

const variables = Object.values(variableGroups('development')).flatMap((group) => Object.entries(group));
const names = variables.map(([name]) => name);
const secretNames = new Set(variables.filter(([, rule]) => about.get(rule)?.secret).map(([name]) => name));
const knownNames = [...names, ...[...secretNames].map(fileVariable)];

/** Reads nothing but `env` and the files its `X_FILE` variables name. Throws ConfigError. */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const readings = names.map((name) => readVariable(env, name));
  const values = Object.fromEntries(readings.map(({ name, value }) => [name, value]));
  const stage = STAGES.find((known) => known === values['NODE_ENV']) ?? 'development';
  const parsed = configSchema(stage).safeParse(values);
  const given = new Set(names.filter((name) => values[name] !== undefined));
  const problems = [...issuesOf(parsed), ...missingPartners(stage, given, values['PAYMENT_PROVIDER'])];
  const faults = [...faultsOf(readings, problems), ...misspelt(env)];
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);
  return freeze(parsed.data);
}

/** `source` is the variable that was really set: X, or X_FILE. */
type Reading = { name: string; source: string; value?: string | undefined; problem?: string };

function readVariable(env: NodeJS.ProcessEnv, name: string): Reading {
  const value = present(env[name]);
  const path = secretNames.has(name) ? present(env[fileVariable(name)]) : undefined;
  if (path === undefined) return { name, source: name, value };
  const reading = { name, source: fileVariable(name) };
  if (value !== undefined) return { ...reading, problem: `set together with ${name}; expected one of the two` };
  return { ...reading, ...readSecretFile(path) };
}

/** A blank variable is an absent one: compose files and `.env` write `PORT=` for "not set". */
function present(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value;
}

/** The path is not repeated either: people do put the secret itself into X_FILE. */
function readSecretFile(path: string): Pick<Reading, 'value' | 'problem'> {
  try {
    const value = present(readFileSync(path, 'utf8').replace(/\r?\n$/, '')); // editors and `echo` add one newline
    return value === undefined ? { problem: 'the file is empty; expected the secret in it' } : { value };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return { problem: `cannot be read (${code}); expected the path of a file that holds the secret` };
  }
}

function issuesOf(parsed: z.ZodSafeParseResult<Values>): [string, string][] {
  return (parsed.error?.issues ?? []).map(({ path, message }) => [String(path[0]), message]);
}

/** One fault a variable: what could not be read was not judged, and the first thing wrong is enough. */
function faultsOf(readings: Reading[], problems: [string, string][]): Fault[] {
  const firstProblem = new Map(problems.toReversed());
  return readings.flatMap(({ name, source, problem = firstProblem.get(name) }) =>
    problem === undefined ? [] : [{ variable: source, problem }],
  );
}

function misspelt(env: NodeJS.ProcessEnv): Fault[] {
  const unknown = Object.keys(env).filter((name) => !knownNames.includes(name) && present(env[name]) !== undefined);
  return unknown.flatMap((variable) => {
    const meant = nearestName(variable, knownNames);
    return meant === undefined ? [] : [{ variable, problem: `unknown; did you mean ${meant}?` }];
  });
}

function fileVariable(name: string): string {
  return `${name}_FILE`;
}

/** Lists come frozen from their rule, so freezing the top is enough. */
function freeze(values: Values): Config {
  const entries = Object.entries(values).map(([name, value]): [string, unknown] => [camelCase(name), value]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- camelCase() is CamelCase at run time
  return Object.freeze(Object.fromEntries(entries) as Config);
}

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
