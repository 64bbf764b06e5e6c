// What a cluster would refuse: a field that is missing or of the wrong type, a key that no version knows.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fetchPackages } from './packages.ts';

export type Manifest = { apiVersion: string; kind: string; metadata: { name: string } };

type Attribute = { baseName: string; type: string };
type Model = { attributeTypeMap: Attribute[] };
type Validated = new (manifest: object) => { validate: () => void };

/** One has the required fields, the other every key with its type. */
const MODELS = 'kubernetes-models@4.5.1';
const KEYS = '@kubernetes/client-node@2.0.1';

export type SchemaCheck = (manifest: Manifest) => string[];

export async function schemaCheck(): Promise<SchemaCheck> {
  const requireModels = createRequire(join(fetchPackages(MODELS), 'none.js'));
  const keys = join(fetchPackages(KEYS), '@kubernetes/client-node/dist/gen/models/all.js');
  const models = (await import(pathToFileURL(keys).href)) as Record<string, Model>;
  return (manifest) => {
    const { apiVersion, kind } = manifest;
    const kinds = requireModels(`kubernetes-models/${apiVersion}`) as Record<string, Validated>;
    const version = apiVersion.split('/').at(-1) ?? '';
    const type = `V${version.slice(1)}${kind}`;
    if (kinds[kind] === undefined || models[type] === undefined) return [`${apiVersion} ${kind} is of no known kind`];
    return [...invalidFields(kinds[kind], manifest), ...unknownKeys(models, type, manifest, '')];
  };
}

function invalidFields(Kind: Validated, manifest: object): string[] {
  try {
    new Kind(manifest).validate();
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** Types are told as text: `Array<V1Container>`, `{ [key: string]: string; }`, `V1PodSpec`, `number`. */
function unknownKeys(models: Record<string, Model>, type: string, value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const of = /^Array<(.*)>$|^\{ \[key: string\]: (.*); \}$/.exec(type);
  const entries = Object.entries(value);
  if (of !== null)
    return entries.flatMap(([key, one]) => unknownKeys(models, of[1] ?? of[2] ?? '', one, `${path}/${key}`));
  const attributes = models[type]?.attributeTypeMap;
  if (attributes === undefined) return [];
  const types = new Map(attributes.map(({ baseName, type: one }) => [baseName, one]));
  return entries.flatMap(([key, one]) => {
    const known = types.get(key);
    return known === undefined ? [`${path}/${key} is unknown`] : unknownKeys(models, known, one, `${path}/${key}`);
  });
}
