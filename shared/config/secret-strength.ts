// Tells whether a secret is one that people type in by hand, so that production can refuse it.

// What placeholders are made of, longer words first. Words of one or two letters turn up in random text by chance.
const PLACEHOLDER_WORDS = `
  placeholder change replace please default example insecure unsafe random string
  passphrase password passwd secret super token value key jwt letmein welcome
  development production staging testing test local admin waybill metrics provider
  character minimum least must with this your here long todo
  abcdefghijklmnopqrstuvwxyz abcdef qwertyuiop qwerty asdfgh
  0123456789 1234567890 123456789 123456 1234 123
`;
const PLACEHOLDERS = new RegExp(PLACEHOLDER_WORDS.trim().replace(/\s+/g, '|'), 'g');

/** True for `changeme…`, `secretpassword…`, `abcabcabc`, and whatever keeps fewer than `distinctMin` characters. */
export function isGuessable(secret: string, distinctMin: number): boolean {
  const rest = secret.toLowerCase().replace(PLACEHOLDERS, '');
  return new Set(rest).size < distinctMin || repeatsItself(secret);
}

function repeatsItself(secret: string): boolean {
  const periods = Array.from({ length: Math.floor(secret.length / 2) }, (_, index) => index + 1);
  return periods.some((period) => secret.slice(period) === secret.slice(0, -period));
}
