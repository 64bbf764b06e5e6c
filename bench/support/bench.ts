// What every part of the bench gets, and what it finds: sections of tables and charts, and bars that are met or not.

/** A part is a file bench/<part>.ts with one of these. */
export type Part = {
  /** One line for `npm run bench -- --help`. */
  about: string;
  measure: (bench: Bench) => Promise<Findings>;
};

export type Bench = {
  /** A few seconds in all: does it run from start to end? Its figures say nothing. */
  isShort: boolean;
  /** How often each variant is measured, for how long, and how long it is warmed up before (0: not at all). */
  rounds: number;
  roundMs: number;
  warmUpMs: number;
  /** Decides every order and every choice; told with the results. */
  seed: number;
  /** Of the large shop of `growth`; null: ten million. */
  orders: number | null;
  /** A folder of its own that an ordinary account may enter; gone afterwards. */
  folder: string;
  say: (line: string) => void;
  /** What is being done now: a bar on a terminal, else lines. @param share of it that is done, 0 to 1 */
  progress: (what: string, share: number) => void;
  /** Run in reverse, whatever happens. */
  onEnd: (undo: () => Promise<unknown> | void) => void;
};

export type Findings = { sections: Section[]; bars: Bar[]; notes?: string[] };

export type Section = {
  title: string;
  /** Names its plot. */
  slug: string;
  tables: Table[];
  chart?: Chart;
};

export type Table = { title: string; head: string[]; rows: string[][] };

/** Bars in groups, each with its median, and whiskers from the least to the most of all rounds. */
export type Chart = { unit: string; groups: { title: string; bars: ({ label: string } & Figure)[] }[] };

/** Of several rounds. */
export type Figure = { median: number; min: number; max: number };

export type Bar = {
  what: string;
  /** `≥ 1.0 ×`, or `reported` where nothing is promised. */
  bar: string;
  measured: string;
  /** Null: only reported. */
  isMet: boolean | null;
};

/** @param only the major version of Node for which it is promised; others are reported */
type Promised = { what: string; unit: string; only?: number };

export const atLeast = (bound: number, measured: number, promised: Promised): Bar =>
  barOf(promised, `≥ ${bound} ${promised.unit}`, measured, measured >= bound);

export const atMost = (bound: number, measured: number, promised: Promised): Bar =>
  barOf(promised, `≤ ${bound} ${promised.unit}`, measured, measured <= bound);

export const reported = (what: string, measured: number, unit: string): Bar => ({
  what,
  bar: 'reported',
  measured: `${shown(measured)} ${unit}`,
  isMet: null,
});

function barOf({ what, unit, only }: Promised, bar: string, measured: number, isMet: boolean): Bar {
  const isPromised = only === undefined || only === nodeMajor;
  return { what, bar: isPromised ? bar : `${bar} on Node ${only}`, measured: `${shown(measured)} ${unit}`, isMet: isPromised ? isMet : null }; // prettier-ignore
}

export const nodeMajor = Number(process.versions.node.split('.', 1)[0]);

/** Three digits that say something: 0.062, 1.05, 48.1, 12,345. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 3;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
