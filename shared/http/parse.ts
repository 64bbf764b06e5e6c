// From unknown to typed: every part of a request passes a strict schema, or names the place where it does not.
import type { z } from 'zod';
import { malformed, preconditionRequired, type Fault } from '../errors/app-error.ts';

export type Part = 'body' | 'query' | 'path';

/** @throws malformed `validation_failed` with a pointer for each fault */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown, part: Part): z.output<Schema> {
  const prefix = part === 'body' ? '' : `/${part}`;
  if (!isText(input, 0)) throw validationFailed(brokenStrings(input, prefix, []));
  const parsed = schema.safeParse(input, { reportInput: true });
  if (!parsed.success) throw validationFailed(parsed.error.issues.flatMap((issue) => faultsOf(issue, prefix)));
  return parsed.data;
}

export const validationFailed = (faults: Fault[]) =>
  malformed('validation_failed', 'The request does not fit its schema.', { faults: faults.slice(0, 50) });

/** An unknown field is named by its own pointer; everything else by zod's path. */
function faultsOf(issue: z.core.$ZodIssue, prefix: string): Fault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: pointerTo(prefix, [...issue.path, key]),
      code: 'unknown_field',
      message: 'This field is not known here.',
    }));
  }
  return [{ pointer: pointerTo(prefix, issue.path), code: codeOfIssue(issue), message: issue.message }];
}

/** A schema's own rule names its code by `params: { code }`. */
function codeOfIssue(issue: z.core.$ZodIssue): string {
  const own: unknown = issue.code === 'custom' ? issue.params?.['code'] : undefined;
  if (typeof own === 'string') return own;
  return issue.code === 'invalid_type' && issue.input === undefined ? 'required' : issue.code;
}

/** RFC 6901. */
const pointerTo = (prefix: string, path: PropertyKey[]): string =>
  prefix + path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** No schema looks that deep, and 16 kB of brackets would overflow the stack. */
const DEPTH_MAX = 32;

/** NUL is refused by PostgreSQL (SQLSTATE 22021), a lone surrogate cannot be written as UTF-8. */
function isText(input: unknown, depth: number): boolean {
  if (typeof input === 'string') return isWellFormed(input);
  if (typeof input !== 'object' || input === null) return true;
  if (depth === DEPTH_MAX) return false;
  for (const [key, value] of Object.entries(input)) if (!isWellFormed(key) || !isText(value, depth + 1)) return false;
  return true;
}

/** Where it is not text: looked for only then. */
function brokenStrings(input: unknown, prefix: string, path: string[]): Fault[] {
  if (typeof input === 'string') return isWellFormed(input) ? [] : [invalidCharacters(pointerTo(prefix, path))];
  if (typeof input !== 'object' || input === null) return [];
  if (path.length === DEPTH_MAX) return [tooDeep(pointerTo(prefix, path))];
  return Object.entries(input).flatMap(([key, value]) =>
    isWellFormed(key)
      ? brokenStrings(value, prefix, [...path, key])
      : [invalidCharacters(pointerTo(prefix, [...path, '?']))],
  );
}

const isWellFormed = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

const tooDeep = (pointer: string): Fault => ({
  pointer,
  code: 'too_deep',
  message: `At most ${DEPTH_MAX} levels of nesting.`,
});

const invalidCharacters = (pointer: string): Fault => ({
  pointer,
  code: 'invalid_characters',
  message: 'NUL and lone surrogates are not text.',
});

/** The version that the caller has seen, from `If-Match: "7"`. @throws preconditionRequired (absent), malformed (not ours) */
export function parseIfMatch(header: string | undefined): number {
  if (header === undefined)
    throw preconditionRequired('if_match_required', 'Send If-Match with the ETag of what you read.');
  const version = /^"(\d{1,9})"$/.exec(header)?.[1];
  if (version === undefined) {
    throw malformed('if_match_invalid', 'If-Match takes one strong ETag, e.g. "7".', {
      faults: [
        { pointer: '/header/if-match', code: 'if_match_invalid', message: 'Send back the ETag header as it came.' },
      ],
    });
  }
  return Number(version);
}
