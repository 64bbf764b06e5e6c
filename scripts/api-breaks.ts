// What a newer OpenAPI document takes away from those who were written for the older one.

export type Schema = {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  [keyword: string]: unknown;
};
type Content = Record<string, { schema?: Schema }>;
type Parameter = { in: string; name: string; required?: boolean; schema: Schema };
type Operation = {
  operationId?: string;
  security?: object[];
  'x-permissions'?: string[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, { headers?: Record<string, unknown>; content?: Content }>;
};
export type Document = {
  info?: { version: string };
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
};
/** `in`: whoever sent it before must still be understood. `out`: whoever read it before must still find it. */
type Direction = 'in' | 'out';
type Both<T> = { before: T; after: T };

const PROBLEM_TYPE = 'application/problem+json';

/** One line a break, the place first. */
export function breaksBetween(before: Document, after: Document): string[] {
  const compare = comparison(before, after);
  return operationsOf(before).flatMap(({ path, method, operation }) => {
    const name = operation.operationId ?? `${method.toUpperCase()} ${path}`;
    const now = after.paths[path]?.[method];
    const found =
      now === undefined ? [`${method.toUpperCase()} ${path} is gone`] : compare({ before: operation, after: now });
    return found.map((one) => `${name}: ${one}`);
  });
}

const operationsOf = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ path, method, operation })),
  );

function comparison(older: Document, newer: Document) {
  const schemas = schemaComparison(older.components?.schemas ?? {}, newer.components?.schemas ?? {});
  return (pair: Both<Operation>): string[] => [
    ...(pair.before.operationId === pair.after.operationId ? [] : [`is called ${pair.after.operationId} now`]),
    ...accessBreaks(pair),
    ...parameterBreaks(pair, schemas),
    ...bodyBreaks(pair, schemas),
    ...Object.entries(pair.before.responses).flatMap(([status, answer]) =>
      answerBreaks(status, { before: answer, after: pair.after.responses[status] }, schemas),
    ),
  ];
}

/** Of `x-permissions` a caller needs one: another one is a way more, one that is gone shuts somebody out. */
function accessBreaks({ before, after }: Both<Operation>): string[] {
  const isOpen = ({ security = [] }: Operation) => security.length === 0 || security.some((one) => Object.keys(one).length === 0); // prettier-ignore
  if (isOpen(before) && !isOpen(after)) return ['wants a login now'];
  const [had, has] = [before['x-permissions'], after['x-permissions']];
  if (has === undefined) return [];
  if (had === undefined) return [`wants a permission now: ${has.join(' or ')}`];
  return had.filter((one) => !has.includes(one)).map((one) => `the permission ${one} suffices no more`);
}

type Schemas = (pair: Both<Schema>, place: string, direction: Direction) => string[];

function parameterBreaks({ before, after }: Both<Operation>, schemas: Schemas): string[] {
  const find = ({ parameters = [] }: Operation, { in: where, name }: Parameter) =>
    parameters.find((one) => one.in === where && one.name === name);
  const kept = (before.parameters ?? []).flatMap((was) => {
    const place = `${was.in} ${was.name}`;
    const is = find(after, was);
    return is === undefined ? [`${place} is refused now`] : schemas({ before: was.schema, after: is.schema }, place, 'in'); // prettier-ignore
  });
  const demanded = (after.parameters ?? [])
    .filter((one) => one.required === true && find(before, one)?.required !== true)
    .map((one) => `${one.in} ${one.name} is required now`);
  return [...kept, ...demanded];
}

function bodyBreaks({ before, after }: Both<Operation>, schemas: Schemas): string[] {
  const [was, is] = [before.requestBody, after.requestBody];
  const demanded = is?.required === true && was?.required !== true ? ['the body is required now'] : [];
  if (was === undefined) return demanded;
  if (is === undefined) return ['the body is refused now'];
  return [...demanded, ...contentBreaks({ before: was.content, after: is.content }, 'body', 'in', schemas)];
}

type Answer = Operation['responses'][string];

function answerBreaks(status: string, pair: { before: Answer; after: Answer | undefined }, schemas: Schemas): string[] {
  const { before, after } = pair;
  if (after === undefined) return [`answers ${status} no more`];
  const headers = Object.keys(before.headers ?? {}).filter((name) => after.headers?.[name] === undefined);
  const content = { before: before.content ?? {}, after: after.content ?? {} };
  return [
    ...headers.map((name) => `${status} has no header ${name} any more`),
    ...contentBreaks(content, status, 'out', schemas),
    ...codesOf(content.before).filter((code) => !codesOf(content.after).includes(code)).map((code) => `${status} has no code ${code} any more`), // prettier-ignore
  ];
}

const codesOf = (content: Content) => (content[PROBLEM_TYPE]?.schema?.properties?.['code']?.enum ?? []) as string[];

function contentBreaks(
  { before, after }: Both<Content>,
  place: string,
  direction: Direction,
  schemas: Schemas,
): string[] {
  return Object.entries(before).flatMap(([type, { schema = {} }]) => {
    const now = after[type];
    return now === undefined ? [`${place} is no longer ${type}`] : schemas({ before: schema, after: now.schema ?? {} }, place, direction); // prettier-ignore
  });
}

function schemaComparison(older: Record<string, Schema>, newer: Record<string, Schema>): Schemas {
  const compare: Schemas = ({ before, after }, place, direction) => {
    // Read the other way round, what goes out must fit what was promised.
    const [given, wanted] =
      direction === 'in' ? [alternativesOf(before, older), alternativesOf(after, newer)] : [alternativesOf(after, newer), alternativesOf(before, older)]; // prettier-ignore
    return given.flatMap((one) => {
      const tried = wanted.map((other) => single(one, other, place, direction));
      if (tried.some((found) => found.length === 0)) return [];
      if (given.length === 1 && wanted.length === 1) return tried[0] ?? [];
      const alike = tried[wanted.findIndex((other) => kindOf(other) === kindOf(one))];
      return alike ?? [`${place} may be ${kindOf(one)} ${direction === 'in' ? 'no more' : 'now'}`];
    });
  };

  /** `given` is put where `wanted` is expected. */
  const single = (given: Schema, wanted: Schema, place: string, direction: Direction): string[] => {
    const pair = direction === 'in' ? { before: given, after: wanted } : { before: wanted, after: given };
    const kinds = kindBreak(given, wanted, pair, place);
    if (kinds.length > 0) return kinds;
    return [
      ...enumBreaks(pair, place, direction),
      ...(direction === 'in' ? limitBreaks(pair, place) : []),
      ...fieldBreaks(pair, place, direction, compare),
      ...(pair.before.items && pair.after.items ? compare({ before: pair.before.items, after: pair.after.items }, `${place}/*`, direction) : []), // prettier-ignore
    ];
  };
  return compare;
}

/** Without `$ref`, and every "or" written out: `type: [a, b]` and `anyOf`. */
function alternativesOf(schema: Schema, named: Record<string, Schema>): Schema[] {
  if (schema.$ref !== undefined) return alternativesOf(named[schema.$ref.split('/').at(-1) ?? ''] ?? {}, named);
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return alternatives.flatMap((one) => alternativesOf(one, named));
  if (Array.isArray(schema.type)) return schema.type.map((type) => ({ ...schema, type }));
  return ['const' in schema ? { ...schema, enum: [schema.const] } : schema];
}

const kindOf = ({ type }: Schema): string => (typeof type === 'string' ? type : 'anything');

function kindBreak(given: Schema, wanted: Schema, { before, after }: Both<Schema>, place: string): string[] {
  const [one, other] = [kindOf(given), kindOf(wanted)];
  const fits = one === other || other === 'anything' || (one === 'integer' && other === 'number');
  return fits ? [] : [`${place} was ${kindOf(before)}, is ${kindOf(after)}`];
}

/** More values may come out: readers are asked to expect them. Fewer may not go in. */
function enumBreaks({ before, after }: Both<Schema>, place: string, direction: Direction): string[] {
  const told = (schema: Schema) => JSON.stringify(schema.enum);
  if (direction === 'out')
    return before.enum !== undefined && after.enum === undefined
      ? [`${place} is no longer one of ${told(before)}`]
      : [];
  if (after.enum === undefined) return [];
  if (before.enum === undefined) return [`${place} must be one of ${told(after)} now`];
  const refused = before.enum.filter((value) => !after.enum?.includes(value));
  return refused.map((value) => `${place} may be ${JSON.stringify(value)} no more`);
}

const lowest = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'];
const highest = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'];
const exact = ['pattern', 'format', 'multipleOf', 'uniqueItems'];

function limitBreaks({ before, after }: Both<Schema>, place: string): string[] {
  const isNarrower = (keyword: string): boolean => {
    const [was, is] = [before[keyword], after[keyword]];
    if (is === undefined || is === was) return false;
    if (exact.includes(keyword)) return true;
    return typeof was !== 'number' || (lowest.includes(keyword) ? Number(is) > was : Number(is) < was);
  };
  return [...lowest, ...highest, ...exact]
    .filter(isNarrower)
    .map(
      (keyword) =>
        `${place} is narrower: ${keyword} ${JSON.stringify(before[keyword]) ?? 'unset'} → ${JSON.stringify(after[keyword])}`,
    );
}

function fieldBreaks({ before, after }: Both<Schema>, place: string, direction: Direction, schemas: Schemas): string[] {
  const [was, is] = [before.properties ?? {}, after.properties ?? {}];
  const kept = Object.entries(was).flatMap(([name, schema]) => {
    const now = is[name];
    if (now !== undefined) return schemas({ before: schema, after: now }, `${place}/${name}`, direction);
    if (direction === 'out') return [`${place}/${name} is gone`];
    return after.additionalProperties === false ? [`${place}/${name} is refused now`] : [];
  });
  const [had, has] = [before.required ?? [], after.required ?? []];
  const required =
    direction === 'in'
      ? has.filter((name) => !had.includes(name)).map((name) => `${place}/${name} is required now`)
      : had.filter((name) => !has.includes(name) && is[name] !== undefined).map((name) => `${place}/${name} may be absent now`); // prettier-ignore
  return [...kept, ...required];
}
