// The version that was tagged last, of those that led here.
import { execFileSync } from 'node:child_process';

/** The newest by its number; undefined before the first. */
export function lastTag(): string | undefined {
  const tags = ['tag', '--list', 'v[0-9]*', '--merged', 'HEAD', '--sort=-version:refname'];
  return execFileSync('git', tags, { encoding: 'utf8' })
    .split('\n')
    .find((tag) => tag !== '');
}
