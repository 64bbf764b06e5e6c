// Holds the plan of every query against a shop of a million orders: npm run plans [-- --orders 10000000] [-- --break <index>]
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { orders: { type: 'string', default: '1000000' }, break: { type: 'string' } },
});
const args = ['run', '--coverage.enabled=false', '--testTimeout=7200000', '--hookTimeout=7200000', 'tests/plans'];
const env = { ...process.env, PLANS_ORDERS: values.orders, ...(values.break && { PLANS_BREAK: values.break }) };
const child = spawn('node_modules/.bin/vitest', args, { stdio: 'inherit', env });
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
