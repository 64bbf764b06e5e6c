// Every drill, one after the other: npm run drills [-- --short]
import { parseArgs } from 'node:util';
import { drillSteps } from './drills.ts';
import { runSteps } from './steps.ts';

const { values } = parseArgs({ options: { short: { type: 'boolean', default: false } } });
await runSteps(await drillSteps({ isShort: values.short }));
