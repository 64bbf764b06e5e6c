// The kinds of value a variable can hold: each turns text into a typed value or says what it expected, never the text.
import { isIP } from 'node:net';
import { z } from 'zod';
import { isGuessable } from './secret-strength.ts';

export function wholeNumber(min: number, max: number, note = '') {
  const expected = `expected a whole number from ${min} to ${max}, digits only${note}`;
  return text(expected)
    .regex(/^\d+$/, `not a whole number; ${expected}`)
    .transform(Number)
    .pipe(z.number().min(min, `too small; ${expected}`).max(max, `too large; ${expected}`));
}

export function oneOf<const Words extends readonly [string, ...string[]]>(...words: Words) {
  const expected = `expected ${words.join(' | ')}`;
  return z.enum(words, {
    error: ({ input }) => `${input === undefined ? 'missing' : 'not a known word'}; ${expected}`,
  });
}

export function onOff() {
  return oneOf('on', 'off').transform((word) => word === 'on');
}

export function directory() {
  return text('expected the path of a directory');
}

export function listenAddress() {
  const expected = 'expected an IP address or a host name, without scheme and port';
  return text(expected).refine(isHost, `not an address; ${expected}`);
}

function isHost(host: string): boolean {
  return isIP(host) !== 0 || /^[a-z\d]([a-z\d.-]*[a-z\d])?$/i.test(host);
}

/** Hops only: `true` would believe any X-Forwarded-For, and a rotating one then passes every rate limit. */
export function proxyHops() {
  const expected = 'expected how many proxies stand in front, 0 to 10';
  const hops = text(expected).regex(/^(\d|10)$/, {
    error: ({ input }) =>
      input === 'true'
        ? `true is refused, any client could then forge its address and pass every limit; ${expected}`
        : `not a number of hops; ${expected}`,
  });
  return hops.transform(Number);
}

/** Gives the bare origin: `https://shop.example/` becomes `https://shop.example`. */
export function publicUrl() {
  const expected = 'expected an http or https URL without path, query, user or password: https://shop.example';
  return text(expected)
    .refine((url) => webOrigin(url) !== null && new URL(url).href === `${webOrigin(url)}/`, `not accepted; ${expected}`)
    .transform((url) => new URL(url).origin);
}

/** A comma list; each entry must be what browsers send, letter for letter, or it would never match. */
export function originList(rules: { anyAllowed: boolean }) {
  const expected = 'expected origins as browsers send them, comma between: https://shop.example,https://app.example';
  return text(expected)
    .transform((list) => (list === '' ? [] : list.split(',').map((entry) => entry.trim())))
    .refine((list) => rules.anyAllowed || !list.includes('*'), `* is refused in production; ${expected}`)
    .refine((list) => list.every(isOriginOrAny), `not a list of bare origins; ${expected}`)
    .readonly();
}

function isOriginOrAny(entry: string): boolean {
  return entry === '*' || webOrigin(entry) === entry;
}

function webOrigin(url: string): string | null {
  if (!URL.canParse(url) || url.includes('*')) return null; // WHATWG lets * stand in a host name
  const { protocol, origin } = new URL(url);
  return protocol === 'http:' || protocol === 'https:' ? origin : null;
}

/** The base of a collector; a path is a part of it, a password in it would be logged by others. */
export function collectorUrl() {
  const expected = 'expected an http or https URL without query, user or password: http://collector.example:4318';
  return text(expected).refine(isBareWebUrl, `not accepted; ${expected}`);
}

function isBareWebUrl(url: string): boolean {
  if (webOrigin(url) === null) return false;
  const { username, password, search, hash } = new URL(url);
  return [username, password, search, hash].every((part) => part === '');
}

export function ratio() {
  const expected = 'expected a number from 0 to 1, such as 0.1';
  return text(expected)
    .regex(/^(0|1|0?\.\d{1,6}|1\.0+)$/, `not accepted; ${expected}`)
    .transform(Number);
}

export function postgresUrl() {
  const expected = 'expected postgres://user:password@host:5432/database, special characters percent-encoded';
  return text(expected).refine(isPostgresUrl, `not a PostgreSQL URL; ${expected}`);
}

function isPostgresUrl(url: string): boolean {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) return false;
  const { username, password, pathname } = new URL(url);
  return [username, password, pathname].every(isPercentEncoded); // pg decodes these, and throws on a stray %
}

function isPercentEncoded(part: string): boolean {
  return !/%(?![\da-f]{2})/i.test(part);
}

export function redisUrl() {
  const expected = 'expected redis://user:password@host:6379/0 or rediss://…, special characters percent-encoded';
  return text(expected).refine(isRedisUrl, `not a Redis URL; ${expected}`);
}

function isRedisUrl(url: string): boolean {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) return false;
  const { hostname, username, password, pathname, search } = new URL(url);
  return hostname !== '' && /^\/?\d*$/.test(pathname) && search === '' && [username, password].every(isPercentEncoded);
}

export function email() {
  const expected = 'expected an e-mail address of at most 254 characters';
  const error = ({ input }: { input?: unknown }) => `${input === undefined ? 'missing' : 'not accepted'}; ${expected}`;
  return z.email({ error }).max(254, `too long; ${expected}`);
}

export type Mailbox = Readonly<{ name: string; address: string }>;

/** `waybill@shop.example` or `The Shop <waybill@shop.example>`. */
export function mailbox() {
  const expected = 'expected waybill@shop.example or The Shop <waybill@shop.example>';
  return text(expected)
    .transform((mailbox) => /^(?:([^<>"\p{Cc}]{1,100}) )?<([^<>]*)>$/u.exec(mailbox) ?? [mailbox, '', mailbox])
    .transform(([, name = '', address = '']): Mailbox => ({ name, address }))
    .refine(({ address }) => z.email().max(254).safeParse(address).success, `not accepted; ${expected}`)
    .readonly();
}

/** No query: what nodemailer would read there could switch off what must stay on. */
export function smtpUrl() {
  const expected =
    'expected smtp://user:password@host:587 or smtps://user:password@host:465, special characters percent-encoded';
  return text(expected).refine(isSmtpUrl, `not an SMTP URL; ${expected}`);
}

function isSmtpUrl(url: string): boolean {
  if (!/^smtps?:\/\//.test(url) || !URL.canParse(url)) return false;
  const { hostname, username, password, pathname, search, hash } = new URL(url);
  const isBare = /^\/?$/.test(pathname) && search === '' && hash === '';
  const isWhole = (username === '') === (password === '');
  return hostname !== '' && isBare && isWhole && [username, password].every(isPercentEncoded);
}

/** `distinctMin`: how many different characters must be left once well-known words are taken out. */
export function secretText(rules: { min: number; max: number; distinctMin: number; guessableAllowed: boolean }) {
  const expected = `expected ${rules.min} to ${rules.max} random characters, for example from: openssl rand -base64 48`;
  return text(expected)
    .min(rules.min, `too short; ${expected}`)
    .max(rules.max, `too long; ${expected}`)
    .refine((secret) => rules.guessableAllowed || !isGuessable(secret, rules.distinctMin), `too weak; ${expected}`);
}

/** A secret that travels in an Authorization header, where only visible ASCII survives. */
export function bearerToken(rules: { guessableAllowed: boolean }) {
  return secretText({ min: 16, max: 512, distinctMin: 6, ...rules }).regex(
    /^[\x21-\x7e]+$/,
    'holds a character that no header can carry; expected letters, digits and signs without spaces',
  );
}

/** Stripe's own names of its keys: sk_ reaches all of an account, rk_ what it was restricted to. A test key moves no money. */
export function stripeKey(rules: { testAllowed: boolean }) {
  const expected = `expected ${rules.testAllowed ? 'sk_test_…, rk_test_…, ' : ''}sk_live_… or rk_live_…`;
  return text(expected)
    .regex(/^[sr]k_(test|live)_\w{8,500}$/, `not a secret key of Stripe's; ${expected}`)
    .refine(
      (key) => rules.testAllowed || key.slice(3).startsWith('live_'),
      `a test key is refused in production; ${expected}`,
    );
}

export function stripeWebhookSecret() {
  const expected = 'expected whsec_… of the webhook endpoint';
  return text(expected).regex(/^whsec_[\w+/=-]{8,500}$/, `not a webhook secret of Stripe's; ${expected}`);
}

/** Gives the bare origin; plain http would carry the secret key in the open. */
export function apiUrl(rules: { plainAllowed: boolean }) {
  const expected = `expected an ${rules.plainAllowed ? 'http or ' : ''}https URL without path, query, user or password`;
  return text(expected)
    .refine((url) => webOrigin(url) !== null && new URL(url).href === `${webOrigin(url)}/`, `not accepted; ${expected}`)
    .refine((url) => rules.plainAllowed || url.startsWith('https:'), `plain http is refused in production; ${expected}`)
    .transform((url) => new URL(url).origin);
}

function text(expected: string) {
  return z.string({ error: `missing; ${expected}` });
}
