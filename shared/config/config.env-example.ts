// Renders .env.example from the schema, so that the documented defaults are the real ones.
import type { z } from 'zod';
import { about, STAGES, type Stage, variableGroups } from './config.schema.ts';

const HEADER = `# Generated from the configuration schema. Copy to .env and change what you need.
# A blank value means "not set". Every secret X may come from a file instead: X_FILE=/run/secrets/x
`;

export function renderEnvExample(): string {
  const groups = Object.entries(variableGroups('development'));
  return [HEADER, ...groups.map(([title, group]) => renderGroup(title, group))].join('\n');
}

function renderGroup(title: string, group: Record<string, z.ZodType>): string {
  return [`# --- ${title} ---\n`, ...Object.entries(group).map(([name, rule]) => renderVariable(name, rule))].join(
    '\n',
  );
}

function renderVariable(name: string, rule: z.ZodType): string {
  const { description = '', default: value = '', secret = false } = about.get(rule) ?? {};
  const stages = STAGES.filter((stage) => isRequired(name, stage));
  const notes = [...(secret ? ['secret'] : []), ...(stages.length > 0 ? [`required in ${stages.join(' and ')}`] : [])];
  return `# ${[description, ...notes].join('; ')}\n${name}=${value}\n`;
}

/** Asks the rule itself, so the note cannot grow stale. */
function isRequired(name: string, stage: Stage): boolean {
  const rules = Object.values(variableGroups(stage)).flatMap((group) => Object.entries<z.ZodType>(group));
  return rules.some(([other, rule]) => other === name && !rule.safeParse(undefined).success);
}
