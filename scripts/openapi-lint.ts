// Holds openapi.json against the rules of redocly.yaml: everything it finds fails, warnings too.
import { lint, loadConfig } from '@redocly/openapi-core';

const problems = await lint({ ref: 'openapi.json', config: await loadConfig({ configPath: 'redocly.yaml' }) });
for (const { ruleId, message, location } of problems)
  process.stderr.write(`${ruleId}: ${message} (${location[0]?.pointer ?? ''})\n`);
process.stdout.write(`openapi.json: ${problems.length} problems\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
