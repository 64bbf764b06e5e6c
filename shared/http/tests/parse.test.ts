// From unknown to typed: what fits comes out, what does not is named by its place.
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AppError } from '../../errors/app-error.ts';
import { parse, parseIfMatch, type Part } from '../parse.ts';
import { instant, isUuid, pageQuery, sku, text } from '../schemas.ts';

const schema = z.strictObject({
  title: text(5),
  lines: z
    .array(z.strictObject({ sku, 'a/b~c': z.int().optional() }))
    .max(2)
    .optional(),
});

function faultsOf(input: unknown, part: Part = 'body', as: z.ZodType = schema): string[] {
  try {
    parse(as, input, part);
    return [];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error).toMatchObject({ kind: 'malformed', code: 'validation_failed' });
    return (error.faults ?? []).map(({ pointer, code }) => `${pointer} ${code}`);
  }
}

const own = (name: string) => JSON.parse(`{"title":"x","${name}":1}`) as object;
const deep = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

test('what fits comes out as the schema makes it', () =>
  expect(parse(schema, { title: '  x ' }, 'body')).toEqual({ title: 'x' }));

describe('what does not fit is named by its place', () => {
  test.each<[string, unknown, string[]]>([
    ['missing', {}, ['/title required']],
    ['null', { title: null }, ['/title invalid_type']],
    ['too long', { title: 'xxxxxx' }, ['/title too_big']],
    ['empty after trimming', { title: '   ' }, ['/title too_small']],
    ['in a list', { title: 'x', lines: [{ sku: 'A' }, { sku: '?' }] }, ['/lines/1/sku invalid_format']],
    [
      'a name that needs escaping',
      { title: 'x', lines: [{ sku: 'A', 'a/b~c': 1.5 }] },
      ['/lines/0/a~1b~0c invalid_type'],
    ],
    ['unknown', { title: 'x', one: 1, 'a/b': 2 }, ['/one unknown_field', '/a~1b unknown_field']],
    ['unknown in a list', { title: 'x', lines: [{ sku: 'A', x: 1 }] }, ['/lines/0/x unknown_field']],
    ['__proto__', own('__proto__'), ['/__proto__ unknown_field']],
    ['constructor', own('constructor'), ['/constructor unknown_field']],
    ['NUL', { title: 'a\0' }, ['/title invalid_characters']],
    ['lone surrogate', { title: 'a\ud800' }, ['/title invalid_characters']],
    ['NUL in a name', { 'a\0': 1 }, ['/? invalid_characters']],
    ['lone surrogate in a name', { title: 'x', '\udc00': 1 }, ['/? invalid_characters']],
    ['NUL where nobody looks', { title: 'x', lines: [[['\0']]] }, ['/lines/0/0/0 invalid_characters']],
    ['no object', [], [' invalid_type']],
    ['nothing', undefined, [' required']],
  ])('%s', (_name, input, expected) => expect(faultsOf(input)).toEqual(expected));

  test('in the query and the path by their part', () => {
    expect([faultsOf({ title: 1 }, 'query'), faultsOf({ title: 1 }, 'path')]).toEqual([
      ['/query/title invalid_type'],
      ['/path/title invalid_type'],
    ]);
  });

  test('by a rule of the schema’s own, with its own code', () => {
    const rule = z.strictObject({
      delta: z.int().refine((delta) => delta !== 0, { params: { code: 'zero_delta' } }),
      other: z.int().refine((one) => one > 0),
    });
    expect(faultsOf({ delta: 0, other: 0 }, 'body', rule)).toEqual(['/delta zero_delta', '/other custom']);
  });

  test('fifty at most', () =>
    expect(faultsOf(Object.fromEntries(Array.from({ length: 200 }, (_one, i) => [`x${i}`, '\0'])))).toHaveLength(50));

  test('whole characters outside the first plane are text', () =>
    expect(parse(z.string(), '💩 e\u0301 \u2028 \u200f', 'body')).toBe('💩 e\u0301 \u2028 \u200f'));

  test('nesting beyond all reason is refused, not followed', () => {
    expect(faultsOf(deep(32), 'body', z.unknown())).toEqual([]);
    expect(faultsOf(deep(34), 'body', z.unknown())).toEqual([`${'/0'.repeat(32)} too_deep`]);
    expect(faultsOf(deep(8000), 'body', z.unknown())).toHaveLength(1);
  });
});

describe('If-Match', () => {
  test.each([
    ['"7"', 7],
    ['"0"', 0],
    ['"999999999"', 999_999_999],
  ])('%s is version %i', (header, version) => expect(parseIfMatch(header)).toBe(version));

  test.each(['', '7', '*', 'W/"7"', '"7', '"7", "8"', '"x"', '"-1"', '"1000000000"', '"7"\n'])(
    '%j is none of ours',
    (header) => {
      expect(() => parseIfMatch(header)).toThrow(
        expect.objectContaining({ kind: 'malformed', code: 'if_match_invalid' }),
      );
    },
  );

  test('absent is asked for', () =>
    expect(() => parseIfMatch(undefined)).toThrow(
      expect.objectContaining({ kind: 'precondition_required', code: 'if_match_required' }),
    ));
});

describe('times as they come in', () => {
  test.each([
    ['2026-11-21T10:00:00Z', '2026-11-21T10:00:00.000Z'],
    ['2026-11-21T10:00:00+02:00', '2026-11-21T08:00:00.000Z'],
    ['2026-11-21T10:00:00-23:59', '2026-11-22T09:59:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999999Z', '9999-12-31T23:59:59.999Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
  ])('%s is %s', (given, utc) => expect(parse(instant, given, 'query')).toBe(utc));

  test.each([
    '0000-12-31T00:00:00Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '2026-02-30T10:00:00Z',
    '2026-11-21',
    '2026-11-21T10:00:00',
    'now',
    '1',
    '',
  ])('%j is refused', (given) => {
    expect(faultsOf(given, 'query', instant).length).toBeGreaterThan(0);
  });
});

describe('the other shared schemas', () => {
  test.each([
    ['1', 1],
    ['100', 100],
    ['007', 7],
  ])('a limit of %s is %i', (given, limit) => expect(parse(pageQuery.limit, given, 'query')).toBe(limit));
  test.each(['0', '101', '-1', '1.5', '', 'x', '1e1', ' 1'])('a limit of %j is refused', (given) =>
    expect(faultsOf(given, 'query', pageQuery.limit)).not.toEqual([]),
  );
  test.each(['A', '1', 'a.b_c-d', 'x'.repeat(64)])('%s is a SKU', (given) =>
    expect(parse(sku, given, 'body')).toBe(given),
  );
  test.each(['', '-A', '.A', '_A', 'a b', 'é', 'x'.repeat(65), 'A\n'])('%j is no SKU', (given) =>
    expect(faultsOf(given, 'body', sku)).not.toEqual([]),
  );
  test.each([
    ['01939d3a-7c1e-7b1a-8f00-000000000001', true],
    ['01939D3A-7C1E-7B1A-8F00-000000000001', false],
    ['x', false],
    ['', false],
  ])('isUuid(%j) is %s', (given, expected) => expect(isUuid(given)).toBe(expected));
});
