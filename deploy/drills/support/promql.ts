// Which metrics an expression of PromQL names, and the expressions that we ship.
import { readFileSync } from 'node:fs';

export type Expression = { where: string; expr: string };

/** An alert is written on lines of its own: `- alert:`, `expr:`, … */
export function alertsOf(rules: string): (Expression & { runbook: string })[] {
  const pattern = /- alert: (?<where>\w+)\n\s+expr: (?<expr>.+)\n(?:.*\n)*?\s+runbook_url: (?<runbook>\S+)/g;
  return [...rules.matchAll(pattern)].map(({ groups: { where = '', expr = '', runbook = '' } = {} }) => ({
    where,
    expr,
    runbook,
  }));
}

type Dashboard = { panels: { title: string; targets?: { expr: string }[] }[] };

/** `$__rate_interval` is what Grafana makes of the scrape interval; here a minute. */
export function panelsOf(dashboard: string): Expression[] {
  const { panels } = JSON.parse(dashboard) as Dashboard;
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: title, expr: expr.replaceAll('$__rate_interval', '1m') })),
  );
}

export const shipped = () => ({
  alerts: alertsOf(readFileSync('deploy/prometheus/alerts.yml', 'utf8')),
  panels: panelsOf(readFileSync('deploy/grafana/dashboards/waybill.json', 'utf8')),
});

/** `_bucket`, `_sum` and `_count` are parts of a histogram; `up` is Prometheus's own. */
export function metricsIn(expr: string): string[] {
  const bare = expr
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const names = [...bare.matchAll(/[a-z_:][\w:]*(?!\w*\s*\()/gi)].map(([name]) => name);
  return names
    .filter((name) => !['and', 'or', 'unless', 'bool', 'offset', 'up', 'e6'].includes(name))
    .map((name) => name.replace(/_(bucket|sum|count)$/, ''));
}
