// What makes a password too weak: what an attacker would try within the first few hundred guesses.
import { commonPasswords } from './common-passwords.ts';

export const PASSWORD_LENGTH_MIN = 8;
/** Also the cap on the work that a stranger can cause: hashing reads every byte. */
export const PASSWORD_LENGTH_MAX = 128;

/** In code points, as NIST SP 800-63B counts: an emoji is one character. */
export const passwordLength = (password: string): number => Array.from(password).length;

/** Why a password is refused, told to its owner; null when it is not. */
export function weaknessOf(password: string, email: string): string | null {
  const plain = password.toLowerCase();
  if (commonPasswords.has(plain)) return 'This is one of the most used passwords.';
  if (isRun(plain)) return 'This is one character repeated, or characters in a row.';
  if (repeatsEmail(plain, email.toLowerCase())) return 'This holds the name of your e-mail address.';
  return null;
}

/** aaaaaaaa, 12345678, hgfedcba: every step is the same, and none is longer than one. */
function isRun(password: string): boolean {
  const points = Array.from(password, (character) => Number(character.codePointAt(0)));
  const steps = new Set(points.slice(1).map((point, i) => point - Number(points[i])));
  return steps.size <= 1 && [...steps].every((step) => Math.abs(step) <= 1);
}

/** A shorter local part than this turns up in good passwords by chance. */
const LOCAL_PART_LENGTH_MIN = 4;

function repeatsEmail(password: string, email: string): boolean {
  const localPart = email.slice(0, email.lastIndexOf('@'));
  return password === email || (localPart.length >= LOCAL_PART_LENGTH_MIN && password.includes(localPart));
}
