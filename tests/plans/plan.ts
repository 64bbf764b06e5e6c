// What is wrong with a plan that was carried out, judged by the rows it touched: pure.

export type Node = {
  'Node Type': string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Relation Name'?: string;
  Schema?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  'Recheck Cond'?: string;
  Filter?: string;
  'Sort Key'?: string[];
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  'Rows Removed by Join Filter'?: number;
  Plans?: Node[];
};

/** What a statement may touch for nothing: a page of 100 with its lines is about 300. */
export const ROWS_FREE = 500;
/** Beyond that, so many for each row that it gives or changes. */
const ROWS_PER_ROW = 10;
/** A table with fewer is read whole as fast as by an index. */
const GROWN_ROWS = 1000;

/** @param rowsOf how many rows a table has, by `schema.name` */
export function flawsOf(plan: Node, rowsOf: (table: string) => number): string[] {
  const nodes = allOf(plan);
  const readable = ROWS_FREE + ROWS_PER_ROW * givenBy(plan);
  return [
    ...nodes.filter((node) => readsWhole(node, rowsOf)).map((node) => `Seq Scan on ${tableOf(node)}`),
    ...nodes.filter((node) => sortedBy(node) > ROWS_FREE).map((node) => `Sort of ${sortedBy(node)} rows`),
    ...nodes
      .filter((node) => readBy(node) > readable)
      .map((node) => `${readBy(node)} rows read of ${tableOf(node)} for ${givenBy(plan)}`),
  ];
}

/** For people: the tree, a node a line. */
export function drawn(node: Node, depth = 0): string {
  const { 'Node Type': type, 'Index Name': index, 'Relation Name': table } = node;
  const target = [index && `using ${index}`, table && `on ${tableOf(node)}`].filter(Boolean).join(' ');
  const facts = (['Index Cond', 'Recheck Cond', 'Filter', 'Sort Key', 'Rows Removed by Filter'] as const)
    .filter((name) => node[name] !== undefined)
    .map((name) => `; ${name}: ${String(node[name])}`);
  const line = `${'  '.repeat(depth)}${type} ${target} (${rowsOut(node)} rows)${facts.join('')}`;
  return [line, ...(node.Plans ?? []).map((child) => drawn(child, depth + 1))].join('\n');
}

const allOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(allOf)];

const loops = (node: Node): number => node['Actual Loops'] ?? 0;
const rowsOut = (node: Node): number => Math.round((node['Actual Rows'] ?? 0) * loops(node));
const tableOf = ({ Schema: schema, 'Relation Name': table, 'Index Name': index, 'Node Type': type }: Node): string =>
  table === undefined ? (index ?? type) : `${schema ?? ''}.${table}`;

/** What it answers; of a change without RETURNING, what it changed. */
function givenBy(plan: Node): number {
  if (plan['Node Type'] !== 'ModifyTable') return rowsOut(plan);
  return Math.max(rowsOut(plan), ...(plan.Plans ?? []).map(rowsOut));
}

const readsWhole = (node: Node, rowsOf: (table: string) => number): boolean =>
  node['Node Type'] === 'Seq Scan' && loops(node) > 0 && rowsOf(tableOf(node)) >= GROWN_ROWS;

function sortedBy(node: Node): number {
  if (!node['Node Type'].endsWith('Sort')) return 0;
  return (node.Plans ?? []).reduce((sum, child) => sum + rowsOut(child), 0);
}

/** The rows that a scan or a join looked at, those it threw away included. */
function readBy(node: Node): number {
  const removed =
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0) +
    (node['Rows Removed by Join Filter'] ?? 0);
  if (node['Node Type'].endsWith('Scan') && node['Relation Name'] !== undefined)
    return rowsOut(node) + Math.round(removed * loops(node));
  if (node['Node Type'] === 'Bitmap Index Scan') return rowsOut(node);
  return Math.round(removed * loops(node));
}
